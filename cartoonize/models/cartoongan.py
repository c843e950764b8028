"""CartoonGAN's generator (Chen, Lai, Liu, CVPR 2018): 11.1 M parameters at width 64."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from .blocks import NORMS, NormName, Residual, conv, reflect_conv
from .dialect import Dialect, LayerNames, tensor_names
from .generator import Generator


def _published_names() -> dict[str, str]:
    """Return the names in Hayao, Hosoda, Shinkai and Paprika, converted from the authors' Torch files."""
    convs = {"flat.0": "conv01_1", "up1.0": "deconv01_1", "up2.0": "deconv02_1", "out": "deconv03_1"}
    convs |= {"up1.1": "deconv01_2", "up2.1": "deconv02_2"}
    norms = {"flat.1": "in01_1", "up1.2": "in12_1", "up2.2": "in13_1"}
    for number, down in ((2, "down1"), (3, "down2")):
        convs |= {f"{down}.{half}": f"conv{number:02}_{half + 1}" for half in (0, 1)}
        norms[f"{down}.2"] = f"in{number:02}_1"
    for block in range(8):
        for half in (1, 2):
            convs[f"residuals.{block}.conv{half}"] = f"conv{block + 4:02}_{half}"
            norms[f"residuals.{block}.norm{half}"] = f"in{block + 4:02}_{half}"
    return tensor_names(convs) | tensor_names(norms, weight="scale", bias="shift")


class CartoonGAN(Generator):
    """The paper's layout; one norm follows each pair of convolutions in the down and up blocks.

    `width` is the number of base filters (64), `blocks` the number of residual blocks (8). `norm` is
    "batch" as in the paper or "instance" as in the official code and the published weights, whose
    padding (reflection in the flat, residual and output layers, zeros elsewhere) is kept for both.
    """

    # 4 would suffice without reflection padding at a quarter of the size, which needs two pixels.
    stride: ClassVar[int] = 8
    layers: ClassVar[LayerNames] = LayerNames("flat.0", "out")
    dialects: ClassVar[tuple[Dialect, ...]] = (
        Dialect("a published CartoonGAN generator", _published_names(), bgr=True),
    )

    def __init__(self, width: int = 64, blocks: int = 8, norm: NormName = "batch") -> None:
        super().__init__(width=width, blocks=blocks, norm=norm)
        self.reach = 23 + 8 * blocks
        self.floats_per_pixel = 6.0 * width  # measured, scratch space of the convolutions included
        w, make_norm = width, NORMS[norm]
        self.flat = nn.Sequential(reflect_conv(3, w, 7), make_norm(w), nn.ReLU())
        self.down1 = nn.Sequential(conv(w, 2 * w, stride=2), conv(2 * w, 2 * w), make_norm(2 * w), nn.ReLU())
        self.down2 = nn.Sequential(
            conv(2 * w, 4 * w, stride=2), conv(4 * w, 4 * w), make_norm(4 * w), nn.ReLU()
        )
        self.residuals = nn.Sequential(*(Residual(4 * w, make_norm, relu_after=False) for _ in range(blocks)))
        self.up1 = nn.Sequential(
            nn.ConvTranspose2d(4 * w, 2 * w, 3, stride=2, padding=1, output_padding=1),
            conv(2 * w, 2 * w), make_norm(2 * w), nn.ReLU(),
        )  # fmt: skip
        self.up2 = nn.Sequential(
            nn.ConvTranspose2d(2 * w, w, 3, stride=2, padding=1, output_padding=1),
            conv(w, w), make_norm(w), nn.ReLU(),
        )  # fmt: skip
        self.out = reflect_conv(w, 3, 7)

    @classmethod
    def infer_config(cls, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """See Generator; only batch norm has running statistics."""
        norm = "batch" if "flat.1.running_mean" in weights else "instance"
        return super().infer_config(weights) | {"norm": norm}

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same."""
        x = self.residuals(self.down2(self.down1(self.flat(x))))
        return torch.tanh(self.out(self.up2(self.up1(x))))
