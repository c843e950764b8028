"""The base of all networks, a Generator on [-1, 1], and what backends run, a FrameModel on uint8."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..styles.card import MAX_CONFIG
from .dialect import Dialect, LayerNames


class Generator(nn.Module):
    """A network from pictures to pictures: (N, 3, H, W) RGB in [-1, 1] -> the same.

    Each architecture is a subclass that sets all attributes.

    Attributes:
        stride: H and W have to be multiples of it; FrameModel pads to that.
        layers: the names by which files of weights are recognised.
        dialects: how other programs name its tensors.
        config: the arguments of the constructor, from which a checkpoint builds the network again.
        reach: the radius of the receptive field, in pixels; if the statistics of the whole picture matter
            too (instance norm), it covers the convolutions only.
        floats_per_pixel: the largest number of values that are alive at once for one input pixel, which
            decides what is drawn in tiles.
    """

    stride: ClassVar[int]
    layers: ClassVar[LayerNames]
    dialects: ClassVar[tuple[Dialect, ...]] = ()
    reach: int
    floats_per_pixel: float

    def __init__(self, **config: int | str) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def infer_config(cls, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """Return the arguments of the constructor, as far as names and shapes of the weights show them.

        The weights are by our names; there may be others among them, of any shape.
        """
        config: dict[str, int | str] = {}
        first = weights.get(f"{cls.layers.first}.weight")
        if first is not None and first.ndim and 0 < first.shape[0] <= MAX_CONFIG:
            config["width"] = first.shape[0]
        prefix = f"{cls.layers.blocks}."
        blocks = {name.split(".")[1] for name in weights if name.startswith(prefix)}
        if 0 < len(blocks) <= MAX_CONFIG:
            config["blocks"] = len(blocks)
        return config

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same."""
        raise NotImplementedError


class FrameModel(nn.Module):
    """A generator on pictures as they are stored: (N, H, W, 3) uint8 RGB -> the same.

    It scales to [-1, 1], pads right and bottom to the generator's stride by repeating the border (which works
    for pictures of one pixel too), generates, crops, scales back and rounds. Exported files contain all of
    this, so that runtimes cannot differ in it and copy a quarter of float32's bytes.
    """

    def __init__(self, generator: Generator, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.generator, self.dtype = generator, dtype

    def forward(self, images: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 -> (N, H, W, 3) uint8; the convolutions compute in `dtype`."""
        height, width = images.shape[1], images.shape[2]
        stride = self.generator.stride
        # NHWC memory seen as NCHW is channels-last already: no copy beyond the conversion. That is the first
        # and the last step, as TensorRT does nothing else with bytes.
        x = images.to(self.dtype).permute(0, 3, 1, 2)
        if height % stride or width % stride:
            x = F.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")
        x = (x - 127.5) / 127.5  # the difference is exact in half precision too
        y: Tensor = self.generator(x)[:, :, :height, :width] * 127.5 + 127.5
        return y.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8)
