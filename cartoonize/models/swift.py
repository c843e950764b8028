"""A generator for real time: all convolutions run at a quarter and an eighth of the size."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import conv
from .generator import Generator

PATCH = 4  # sides of the patches that become one position


class Swift(Generator):
    """A small U on 4x4 pixel-unshuffled pictures, with the source added at the end.

    Every 4x4 patch is one position of 48 channels, so that a 3x3 convolution reaches 12 pixels and costs
    a sixteenth. One residual block works there; `blocks` more, of twice the width, work at half of that
    size, where they see twice as far for the same price: what is one surface is decided there. There is no
    norm: nothing depends on the rest of the picture or of the batch, which keeps video steady, tiles
    seamless and batches equal to single frames. The source, times a gain for each channel, is added to the
    output, so that the narrow trunk need not remember what stays as it is. An untrained network is the
    identity.
    """

    stride: ClassVar[int] = 2 * PATCH

    def __init__(self, width: int = 32, blocks: int = 3) -> None:
        super().__init__(width=width, blocks=blocks)
        # head, tail and the two blocks reach 4 pixels a convolution; at the half size it is 8.
        self.reach = PATCH * 6 + 2 * PATCH * (2 * blocks + 1) + 2 * PATCH
        self.floats_per_pixel = 12.0 + width / 4
        channels = 3 * PATCH**2
        self.head = conv(channels, width)
        self.before = SwiftBlock(width)
        self.down = conv(width, 2 * width, stride=2)
        self.body = nn.Sequential(*(SwiftBlock(2 * width) for _ in range(blocks)))
        self.up = conv(2 * width, 4 * width, 1)
        self.after = SwiftBlock(width)
        self.tail = conv(width, channels)
        self.gain = nn.Parameter(torch.ones(channels, 1, 1))
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]  # conv always has a bias

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same, but values may pass the range a little."""
        patches = F.pixel_unshuffle(x, PATCH)
        fine = self.before(torch.relu(self.head(patches)))
        coarse = self.body(torch.relu(self.down(fine)))
        y = self.tail(self.after(fine + F.pixel_shuffle(self.up(coarse), 2)))
        return F.pixel_shuffle(torch.addcmul(y, self.gain.to(y.dtype), patches), PATCH)


class SwiftBlock(nn.Module):
    """conv, ReLU, conv, plus the input; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(channels, channels), conv(channels, channels)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]  # conv always has a bias

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        y: Tensor = self.conv2(torch.relu(self.conv1(x)))
        return x + y
