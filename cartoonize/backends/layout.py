"""How a graph wants its pictures: read off its input and output, or found by trying a plain picture.

ONNX files say how their tensors are laid out and of what type, but not what the numbers mean nor which
sides they can take. Both are settled here once, when a file is loaded, with small pictures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ..core.choices import ChannelOrder, InputRange, did_you_mean
from ..core.errors import BackendError, ModelError
from ..core.frames import Image, Images

Run = Callable[[NDArray[Any]], NDArray[Any]]

SCALES = {"-1..1": (127.5, 127.5), "0..1": (0.0, 255.0), "0..255": (0.0, 1.0)}
"""What is taken from a grey level, and what the rest is divided by. The first is the default."""

SMALLEST = 32
"""Pixels of the sides of a graph for one size only; larger pictures are drawn in overlapping tiles of it."""

_TYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}
_MULTIPLES = (1, 2, 4, 8, 16, 32)
_CLEARLY = 1.5  # the default range is left for one under which the picture is nearer by this factor


class End(Protocol):
    """An input or output of a graph, as ONNX Runtime describes it."""

    name: str
    type: str
    shape: list[int | str | None]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a graph takes and gives.

    `size` is (height, width), and `batch` the number of pictures, where the graph takes no other. Sides have
    to be multiples of `multiple`. `range` means nothing for uint8.
    """

    dtype: type[np.generic]
    channels_first: bool
    batch: int | None = None
    size: tuple[int, int] | None = None
    multiple: int = 1
    range: str = "0..255"
    order: ChannelOrder = "rgb"

    def pack(self, images: Images) -> NDArray[Any]:
        """(N, H, W, 3) uint8 RGB -> what the graph takes, padded right and bottom by repeating the border."""
        missing = 0 if self.batch is None else self.batch - len(images)
        wanted = self.size or tuple(-(-side // self.multiple) * self.multiple for side in images.shape[1:3])
        padding = [
            (0, missing),
            *((0, to - side) for to, side in zip(wanted, images.shape[1:3], strict=True)),
        ]
        if any(after for _, after in padding):
            images = np.pad(images, [*padding, (0, 0)], mode="edge")
        if self.order == "bgr":
            images = images[..., ::-1]
        if self.dtype is not np.uint8:
            offset, scale = SCALES[self.range]
            images = ((images.astype(np.float32) - offset) / scale).astype(self.dtype)
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2) if self.channels_first else images)

    def unpack(self, result: NDArray[Any], like: Images) -> Images:
        """What the graph gave for `like` -> (N, H, W, 3) uint8 RGB of its size."""
        count, height, width, _ = like.shape
        pictures = result.transpose(0, 2, 3, 1) if self.channels_first else result
        pictures = pictures[:count, :height, :width]
        if self.dtype is not np.uint8:
            offset, scale = SCALES[self.range]
            pictures = np.rint(pictures.astype(np.float32) * scale + offset).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(pictures[..., ::-1] if self.order == "bgr" else pictures)


def read_layout(inputs: Sequence[End], outputs: Sequence[End], name: str) -> Layout:
    """What the description of a graph tells, from picture to picture.

    Raises:
        ModelError: it is no graph from one picture to one picture.
    """
    refusal = f"{name} is no network from pictures to pictures:"
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{refusal} it has {len(inputs)} inputs and {len(outputs)} outputs.")
    taken, given = inputs[0], outputs[0]
    if taken.type not in _TYPES or given.type != taken.type:
        raise ModelError(
            f"{refusal} it takes {taken.type} and gives {given.type}; what can be drawn is uint8, float or "
            "float16."
        )
    if len(taken.shape) != 4 or len(given.shape) != 4:
        raise ModelError(f"{refusal} it takes {taken.shape} and gives {given.shape}, not four dimensions.")
    last, first = taken.shape[3] == 3, taken.shape[1] == 3
    if not (last or first):
        raise ModelError(f"{refusal} none of its dimensions {taken.shape} is three colours.")
    channels_first = first and not last
    sides = taken.shape[2:] if channels_first else taken.shape[1:3]
    batch, height, width = (
        side if isinstance(side, int) and side > 0 else None for side in (taken.shape[0], *sides)
    )
    if (height is None) != (width is None):
        raise ModelError(f"{refusal} one of its sides is fixed and the other is not: {taken.shape}.")
    size = None if height is None or width is None else (height, width)
    if size is not None and min(size) < SMALLEST:
        raise ModelError(f"{refusal} those of {width}x{height} that it takes are too small to draw in parts.")
    return Layout(_TYPES[taken.type], channels_first, batch, size)


def settle(layout: Layout, run: Run, name: str, input_range: InputRange, order: ChannelOrder) -> Layout:
    """What is found by trying: the multiple of the sides, and what range the numbers have.

    Args:
        layout: what the graph says of itself.
        run: the graph.
        name: of the file, for messages.
        input_range: of float pictures; "auto" tries the three on a plain picture and takes -1..1 unless
            another one gives it back clearly better.
        order: of the channels, which cannot be found by trying.

    Raises:
        ModelError: the graph gives back pictures of no size that it was tried with.
        BackendError: there is no such range or order.
    """
    if input_range not in get_args(InputRange):
        known = get_args(InputRange)
        raise BackendError(
            f"Unknown range {input_range!r}: choose {', '.join(known)}.{did_you_mean(input_range, known)}"
        )
    if order not in get_args(ChannelOrder):
        known = get_args(ChannelOrder)
        raise BackendError(
            f"Unknown channel order {order!r}: choose {', '.join(known)}.{did_you_mean(order, known)}"
        )
    layout = replace(layout, order=order, range=next(iter(SCALES)) if input_range == "auto" else input_range)
    tried = (replace(layout, multiple=multiple) for multiple in ((1,) if layout.size else _MULTIPLES))
    fitting = next((candidate for candidate in tried if _fits(candidate, run)), None)
    if fitting is None:
        raise ModelError(
            f"{name} is no network from pictures to pictures of the same size, as far as was tried."
        )
    if input_range != "auto" or layout.dtype is np.uint8:
        return fitting
    apart = {name: _distance(replace(fitting, range=name), run) for name in SCALES}
    closest = min(apart, key=apart.__getitem__)
    default = fitting.range
    return replace(fitting, range=closest if apart[closest] * _CLEARLY < apart[default] else default)


def _fits(layout: Layout, run: Run) -> bool:
    """Whether a picture whose sides are this multiple, and no larger power of two, keeps its size."""
    images = layout.pack(_plain(layout)[None])
    try:
        return run(images).shape == images.shape
    except ModelError:
        return False


def _distance(layout: Layout, run: Run) -> float:
    plain = _plain(layout)[None]
    return float(np.abs(layout.unpack(run(layout.pack(plain)), plain).astype(np.float32) - plain).mean())


def _plain(layout: Layout) -> Image:
    """From black to white and back, in soft colours: every cartoon of it looks much the same."""
    height, width = layout.size or (96 + layout.multiple, 160 + layout.multiple)
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    soft = (across, 0.8 * across + 0.2 * down, 0.8 * across + 0.2 * (1 - down))
    plain: Image = np.rint(255 * np.stack(soft, -1)).astype(np.uint8)
    return plain
