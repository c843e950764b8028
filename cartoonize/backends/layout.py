"""The format of the pictures that a graph accepts: read from its input and output, or detected by trials.

ONNX files state the shape and type of their tensors, but not what the numbers mean, nor which widths and
heights are valid. Both are detected once, when a file is loaded, with small pictures.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ..core.choices import ChannelOrder, InputRange
from ..core.errors import BackendError, ModelError
from ..core.frames import Image, Images
from ..core.messages import unknown_choice_message

RunGraph = Callable[[NDArray[Any]], NDArray[Any]]

SCALES = {"-1..1": (127.5, 127.5), "0..1": (0.0, 255.0), "0..255": (0.0, 1.0)}
"""Offset that is subtracted from a grey level, and the divisor after it. The first is the default."""

SMALLEST = 32
"""Least width and height of a graph for one size only: larger pictures are drawn in tiles of it."""
LARGEST = 1 << 25
"""Most pixels in a call of a graph for one size only, those of 8K: any picture is padded to them."""

_TYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}
_MULTIPLES = (1, 2, 4, 8, 16, 32)
_CLEARLY = 1.5  # the factor by which another range must keep the picture better than the default one


class GraphValue(Protocol):
    """An input or output of a graph, as ONNX Runtime describes it."""

    name: str
    type: str
    shape: list[int | str | None]


@dataclass(frozen=True, slots=True)
class Layout:
    """The form of the input and the output of a graph.

    Attributes:
        dtype: type of the numbers: uint8, float32 or float16.
        channels_first: (N, 3, H, W) in place of (N, H, W, 3).
        batch: the only number of pictures per call that it takes; None for any.
        size: the only height and width that it takes; None for any.
        multiple: height and width have to be multiples of it.
        range: the values of black and white, one of SCALES; without meaning for uint8.
        order: of the channels.
    """

    dtype: type[np.generic]
    channels_first: bool
    batch: int | None = None
    size: tuple[int, int] | None = None
    multiple: int = 1
    range: str = "0..255"
    order: ChannelOrder = "rgb"

    def pack(self, images: Images) -> NDArray[Any]:
        """Convert (N, H, W, 3) uint8 RGB to the input of the graph, padded right and bottom by the border."""
        missing = 0 if self.batch is None else self.batch - len(images)
        sides = images.shape[1:3]
        padded = self.size or tuple(-(-side // self.multiple) * self.multiple for side in sides)
        padding = [(0, missing), *((0, to - side) for to, side in zip(padded, sides, strict=True))]
        if any(after for _, after in padding):
            images = np.pad(images, [*padding, (0, 0)], mode="edge")
        if self.order == "bgr":
            images = images[..., ::-1]
        if self.dtype is not np.uint8:
            offset, scale = SCALES[self.range]
            images = ((images.astype(np.float32) - offset) / scale).astype(self.dtype)
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2) if self.channels_first else images)

    def unpack(self, result: NDArray[Any], like: Images) -> Images:
        """Convert the output of the graph for `like` to (N, H, W, 3) uint8 RGB of its size.

        Raises:
            ModelError: the output is smaller, has another number of dimensions, or contains NaN.
        """
        count, height, width, _ = like.shape
        pictures = result.transpose(0, 2, 3, 1) if self.channels_first and result.ndim == 4 else result
        pictures = pictures[:count, :height, :width]
        if pictures.shape != like.shape:
            raise ModelError(
                f"The network does not keep the size of pictures: {like.shape} became {result.shape}."
            )
        if self.dtype is not np.uint8:
            offset, scale = SCALES[self.range]
            levels = np.rint(pictures.astype(np.float32) * scale + offset).clip(0, 255)
            if np.isnan(levels.max()):
                raise ModelError(
                    "The network returned NaN, which is no colour: its weights are damaged, or it needs fp32 "
                    "or another --input-range."
                )
            pictures = levels.astype(np.uint8)
        return np.ascontiguousarray(pictures[..., ::-1] if self.order == "bgr" else pictures)


def read_layout(inputs: Sequence[GraphValue], outputs: Sequence[GraphValue], name: str) -> Layout:
    """Read the layout that a graph states of its input and output.

    Raises:
        ModelError: it is not a graph from pictures to pictures.
    """
    refusal = f"{name} is not a network from pictures to pictures:"
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{refusal} it has {len(inputs)} inputs and {len(outputs)} outputs.")
    source, result = inputs[0], outputs[0]
    if source.type not in _TYPES or result.type != source.type:
        raise ModelError(
            f"{refusal} it takes {source.type} and returns {result.type}, not uint8, float or float16."
        )
    if len(source.shape) != 4 or len(result.shape) != 4:
        raise ModelError(
            f"{refusal} it takes {source.shape} and returns {result.shape}, not four dimensions."
        )
    last, first = source.shape[3] == 3, source.shape[1] == 3
    if not (last or first):
        raise ModelError(f"{refusal} none of its dimensions {source.shape} is three colours.")
    channels_first = first and not last
    sides = source.shape[2:] if channels_first else source.shape[1:3]
    batch, height, width = (
        side if isinstance(side, int) and side > 0 else None for side in (source.shape[0], *sides)
    )
    if (height is None) != (width is None):
        raise ModelError(f"{refusal} one of its sides is fixed and the other is not: {source.shape}.")
    size = None if height is None or width is None else (height, width)
    if size is not None and min(size) < SMALLEST:
        raise ModelError(f"{refusal} it takes {width}x{height} only, which is too small for tiles.")
    if (batch or 1) * math.prod(size or (1, 1)) > LARGEST:
        raise ModelError(f"{refusal} it takes {source.shape} only, which needs too much memory.")
    return Layout(_TYPES[source.type], channels_first, batch, size)


def detect_layout(
    layout: Layout, run: RunGraph, name: str, input_range: InputRange, order: ChannelOrder
) -> Layout:
    """Detect the properties that a graph does not state: the multiple of its sides, and the range of values.

    Args:
        layout: the layout that the graph states.
        run: runs the graph.
        name: of the file, for messages.
        input_range: of float pictures; "auto" tries the three on a smooth picture, and takes -1..1 unless
            another one changes the picture clearly less.
        order: of the channels, which cannot be detected.

    Raises:
        ModelError: the graph keeps the size of no picture that was tried.
        BackendError: there is no such range or order.
    """
    if input_range not in get_args(InputRange):
        raise BackendError(unknown_choice_message("range", input_range, get_args(InputRange)))
    if order not in get_args(ChannelOrder):
        raise BackendError(unknown_choice_message("channel order", order, get_args(ChannelOrder)))
    layout = replace(layout, order=order, range=next(iter(SCALES)) if input_range == "auto" else input_range)
    candidates = (replace(layout, multiple=multiple) for multiple in ((1,) if layout.size else _MULTIPLES))
    fitting = next((candidate for candidate in candidates if _keeps_size(candidate, run)), None)
    if fitting is None:
        raise ModelError(
            f"{name} is not a network from pictures to pictures of the same size: it kept none of them."
        )
    if input_range != "auto" or layout.dtype is np.uint8:
        return fitting
    changes = {scale: _mean_change(replace(fitting, range=scale), run) for scale in SCALES}
    least = min(changes, key=changes.__getitem__)
    if math.isinf(changes[least]):
        raise ModelError(f"{name} cannot be used: it returns NaN for a picture, which is no colour.")
    default = fitting.range
    return replace(fitting, range=least if changes[least] * _CLEARLY < changes[default] else default)


def _keeps_size(layout: Layout, run: RunGraph) -> bool:
    """Whether a picture whose sides are `layout.multiple`, and no larger power of two, keeps its size."""
    images = layout.pack(_smooth_picture(layout)[None])
    try:
        return run(images).shape == images.shape
    except ModelError:
        return False


def _mean_change(layout: Layout, run: RunGraph) -> float:
    """Return by how many grey levels the graph changes a smooth picture, on average; infinite if it cannot
    compute with this range."""
    picture = _smooth_picture(layout)[None]
    result = run(layout.pack(picture))
    if np.isnan(result.max()):  # float16 overflows with large numbers
        return math.inf
    return float(np.abs(layout.unpack(result, picture).astype(np.float32) - picture).mean())


def _smooth_picture(layout: Layout) -> Image:
    """Make a gradient from black to white in soft colours, whose cartoon looks like it in every style."""
    height, width = layout.size or (96 + layout.multiple, 160 + layout.multiple)
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    channels = (across, 0.8 * across + 0.2 * down, 0.8 * across + 0.2 * (1 - down))
    picture: Image = np.rint(255 * np.stack(channels, -1)).astype(np.uint8)
    return picture
