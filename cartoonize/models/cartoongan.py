"""CartoonGAN's generator (Chen, Lai, Liu, CVPR 2018): 11.1 M parameters at width 64."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from .blocks import NORMS, NormName, Residual, conv, reflect_conv
from .generator import Generator


class CartoonGAN(Generator):
    """The paper's layout; one norm follows each pair of convolutions in the down and up blocks.

    `width` is the number of base filters (64), `blocks` the number of residual blocks (8). `norm` is
    "batch" as in the paper or "instance" as in the official code and the published weights, whose
    padding (reflection in the flat, residual and output layers, zeros elsewhere) is kept for both.
    """

    # 4 would do but for reflection padding at a quarter of the size, which takes two pixels to reflect.
    stride: ClassVar[int] = 8

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

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same."""
        x = self.residuals(self.down2(self.down1(self.flat(x))))
        return torch.tanh(self.out(self.up2(self.up1(x))))
