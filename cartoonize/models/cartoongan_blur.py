"""The deck's variant of CartoonGAN: ReLU after the residual sum, blurred up-sampling, batch norm."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from .blocks import NORMS, BlurUpsample, Residual, conv, reflect_conv
from .dialect import LayerNames
from .generator import Generator


class CartoonGANBlur(Generator):
    """CartoonGAN with the three changes of the "CartOOnGAN" study group that concern the generator.

    The convolution that changes the number of channels comes before the up-sampling: except at the border,
    the order does not matter, and so it costs what the transposed convolution cost, not four times that.
    """

    # 4 would suffice without reflection padding at a quarter of the size, which needs two pixels.
    stride: ClassVar[int] = 8
    layers: ClassVar[LayerNames] = LayerNames("flat.0", "out")

    def __init__(self, width: int = 64, blocks: int = 8) -> None:
        super().__init__(width=width, blocks=blocks)
        self.reach = 27 + 8 * blocks
        self.floats_per_pixel = 6.0 * width  # measured, scratch space of the convolutions included
        w, norm = width, NORMS["batch"]
        self.flat = nn.Sequential(reflect_conv(3, w, 7), norm(w), nn.ReLU())
        self.down1 = nn.Sequential(conv(w, 2 * w, stride=2), conv(2 * w, 2 * w), norm(2 * w), nn.ReLU())
        self.down2 = nn.Sequential(conv(2 * w, 4 * w, stride=2), conv(4 * w, 4 * w), norm(4 * w), nn.ReLU())
        self.residuals = nn.Sequential(*(Residual(4 * w, norm, relu_after=True) for _ in range(blocks)))
        self.up1 = nn.Sequential(
            conv(4 * w, 2 * w), BlurUpsample(), conv(2 * w, 2 * w), norm(2 * w), nn.ReLU()
        )
        self.up2 = nn.Sequential(conv(2 * w, w), BlurUpsample(), conv(w, w), norm(w), nn.ReLU())
        self.out = reflect_conv(w, 3, 7)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same."""
        x = self.residuals(self.down2(self.down1(self.flat(x))))
        return torch.tanh(self.out(self.up2(self.up1(x))))
