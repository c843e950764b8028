"""A generator for real time: all convolutions run at a quarter of the size; 15.9 GFLOP at 720p."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import conv
from .dialect import LayerNames
from .generator import Generator


class Swift(Generator):
    """Residual convolutions on 4x4 pixel-unshuffled pictures, with the source added at the end.

    Every 4x4 patch is one position of 48 channels, so that a 3x3 convolution reaches 12 pixels and costs a
    sixteenth. There is no norm: nothing depends on the rest of the picture or of the batch, which keeps video
    steady, tiles seamless and batches equal to single frames. The source, times a gain for each channel, is
    added to the output, so that the narrow trunk need not carry what does not change. An untrained network is
    the identity.
    """

    stride: ClassVar[int] = 4
    layers: ClassVar[LayerNames] = LayerNames("head", "tail", blocks="body")

    def __init__(self, width: int = 32, blocks: int = 6) -> None:
        super().__init__(width=width, blocks=blocks)
        self.reach = 4 * (2 * blocks + 2) + 3
        self.floats_per_pixel = 12.0 + width / 4
        patch = 3 * self.stride**2
        self.head = conv(patch, width)
        self.body = nn.Sequential(*(SwiftBlock(width) for _ in range(blocks)))
        self.tail = conv(width, patch)
        self.gain = nn.Parameter(torch.ones(patch, 1, 1))
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]  # conv always has a bias

    @property
    def steps(self) -> list["SwiftBlock"]:
        """The blocks, in order."""
        return [block for block in self.body if isinstance(block, SwiftBlock)]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same, but values may exceed the range a little."""
        patches = F.pixel_unshuffle(x, self.stride)
        y: Tensor = self.tail(self.body(self.head(patches))) + self.gain.to(patches.dtype) * patches
        return F.pixel_shuffle(y, self.stride)


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
