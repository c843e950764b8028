"""What every network is: a Generator on [-1, 1]; and what a back end runs: a FrameModel on uint8."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Generator(nn.Module):
    """A network from pictures to pictures: (N, 3, H, W) RGB in [-1, 1] -> the same.

    H and W have to be multiples of `stride`; FrameModel sees to that. `config` holds the constructor's
    arguments, so that a checkpoint can say how to build the network again.

    `reach` is how far, in pixels, an output pixel looks; where the statistics of the whole picture
    matter too (instance norm), it covers the convolutions only. `floats_per_pixel` is the largest number
    of values that are alive at once for one input pixel, from which tiling is decided.
    """

    stride: ClassVar[int]
    reach: int
    floats_per_pixel: float

    def __init__(self, **config: int | str) -> None:
        super().__init__()
        self.config = config

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same."""
        raise NotImplementedError


class FrameModel(nn.Module):
    """A generator on pictures as they are stored: (N, H, W, 3) uint8 RGB -> the same.

    It scales to [-1, 1], pads right and bottom to the generator's stride by repeating the border (which
    works for one-pixel pictures too), generates, crops, scales back and rounds. Exported files hold the
    whole of it, so that runtimes have nothing to disagree on and move a quarter of float32's bytes.
    """

    def __init__(self, generator: Generator, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.generator, self.dtype = generator, dtype

    def forward(self, images: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 -> (N, H, W, 3) uint8; the convolutions compute in `dtype`."""
        height, width = images.shape[1], images.shape[2]
        stride = self.generator.stride
        # NHWC memory seen as NCHW is channels-last already: no copy beyond the conversion, which stands at
        # the very ends as TensorRT does nothing else with bytes.
        x = images.to(self.dtype).permute(0, 3, 1, 2)
        if height % stride or width % stride:
            x = F.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")
        x = (x - 127.5) / 127.5  # the difference is exact in half precision too
        y: Tensor = self.generator(x)[:, :, :height, :width] * 127.5 + 127.5
        return y.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8)
