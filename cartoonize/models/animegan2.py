"""AnimeGANv2's generator (Chen, Liu, Chen, 2020), as in its PyTorch port: 2.14 M parameters."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import LayerNorm
from .dialect import Dialect, LayerNames, tensor_names
from .generator import Generator


def _port_names() -> dict[str, str]:
    """Return the names of the PyTorch port, whose units number padding 0, convolution 1 and norm 2."""
    units = {f"down1.{i}": f"block_a.{i}" for i in range(3)}
    units |= {"down2.0": "block_b.0", "down2.1": "block_b.1", "down2.2": "block_c.0", "narrow": "block_c.5"}
    units |= {f"up1.{i}": f"block_d.{i}" for i in range(2)} | {f"up2.{i}": f"block_e.{i}" for i in range(3)}
    layers = {"out": "out_layer.0"}
    for block in range(4):
        ours, theirs = f"residuals.{block}", f"block_c.{block + 1}.layers"
        units |= {f"{ours}.expand": f"{theirs}.0", f"{ours}.depthwise": f"{theirs}.1"}
        layers |= {f"{ours}.project": f"{theirs}.2", f"{ours}.norm": f"{theirs}.3"}
    for ours, theirs in units.items():
        layers |= {f"{ours}.conv": f"{theirs}.1", f"{ours}.norm": f"{theirs}.2"}
    return tensor_names(layers)


class AnimeGAN2(Generator):
    """Two halvings, inverted residuals at a quarter of the size, bilinear enlargement; layer norm throughout.

    `width` is the number of base filters (32), `blocks` the number of inverted residuals (4). Corners are
    aligned in the enlargement, which moves features by up to a pixel from their place in the source. As with
    instance norm, tiles differ a little from the whole.
    """

    # 4 would suffice without reflection padding at a quarter of the size, which needs two pixels.
    stride: ClassVar[int] = 8
    layers: ClassVar[LayerNames] = LayerNames("down1.0.conv", "out")
    dialects: ClassVar[tuple[Dialect, ...]] = (Dialect("an AnimeGANv2 generator for PyTorch", _port_names()),)

    def __init__(self, width: int = 32, blocks: int = 4) -> None:
        super().__init__(width=width, blocks=blocks)
        self.reach = 41 + 4 * blocks
        self.floats_per_pixel = 16.0 * width  # measured, scratch space of the convolutions included
        w = width
        self.down1 = nn.Sequential(Unit(3, w, 7), Unit(w, 2 * w, stride=2), Unit(2 * w, 2 * w))
        self.down2 = nn.Sequential(Unit(2 * w, 4 * w, stride=2), Unit(4 * w, 4 * w), Unit(4 * w, 4 * w))
        self.residuals = nn.Sequential(
            *(InvertedResidual(8 * w if number else 4 * w, 8 * w) for number in range(blocks))
        )
        self.narrow = Unit(8 * w, 4 * w)
        self.up1 = nn.Sequential(Unit(4 * w, 4 * w), Unit(4 * w, 4 * w))
        self.up2 = nn.Sequential(Unit(4 * w, 2 * w), Unit(2 * w, 2 * w), Unit(2 * w, w, 7))
        self.out = nn.Conv2d(w, 3, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same."""
        x = self.narrow(self.residuals(self.down2(self.down1(x))))
        x = self.up2(_enlarge(self.up1(_enlarge(x))))
        return torch.tanh(self.out(x))


class Unit(nn.Module):
    """Reflection padding, convolution, layer norm, LeakyReLU; with stride 2 it pads right and bottom only.

    A `depthwise` unit works within each channel, and only its convolution has a bias.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, depthwise: bool = False
    ) -> None:
        super().__init__()
        self.padding = (0, 1, 0, 1) if stride == 2 else (kernel // 2,) * 4
        groups = inputs if depthwise else 1
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=depthwise)
        self.norm = LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, outputs, H / stride, W / stride)."""
        if any(self.padding):
            x = F.pad(x, self.padding, mode="reflect")
        return F.leaky_relu(self.norm(self.conv(x)), 0.2)


class InvertedResidual(nn.Module):
    """Twice the channels, a convolution within each, and back; plus the input if it has as many channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        wide = 2 * inputs
        self.is_residual = inputs == outputs
        self.expand = Unit(inputs, wide, 1)
        self.depthwise = Unit(wide, wide, depthwise=True)
        self.project = nn.Conv2d(wide, outputs, 1, bias=False)
        self.norm = LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        y: Tensor = self.norm(self.project(self.depthwise(self.expand(x))))
        return x + y if self.is_residual else y


def _enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
