"""Compositing: blends a drawing with its source, and shows both for comparison."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..core.choices import COMPARE
from ..core.draw_size import replace_image, resize
from ..core.errors import MediaError
from ..core.frames import Frame, Image, Plane
from ..core.messages import unknown_choice_message
from .effect import Effect

if TYPE_CHECKING:
    from .pytorch.compositing import TensorRetouch

SWEEP = 4.0
"""Seconds in which the line of a wipe crosses the picture; it takes as long to return."""
_BAND = 1 << 15  # pixels processed at once: they stay in the processor's cache, and memory is bounded
_LINE, _LINE_EDGE = 255, 32  # grey levels
LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue in the luma of Rec. 709."""


@dataclass(frozen=True, slots=True)
class Retouch(Effect):
    """Combines each drawing with its source. The defaults change nothing.

    Attributes:
        strength: how to blend, after `keep_colour`: 0 is the source, 1 the drawing.
        keep_colour: take only the luma from the drawing, and the chroma from the source (Rec. 709).
        compare: show both. "side" puts the source left of the drawing, in a picture twice as wide. "split"
            shows the left half of the source and the right half of the drawing. "wipe" does the same with a
            line that crosses a video in 4 seconds and returns in 4 seconds.

    Raises:
        MediaError: `strength` is out of range, or `compare` is unknown.
    """

    at_source_size: ClassVar[bool] = True

    strength: float = 1.0
    keep_colour: bool = False
    compare: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise MediaError(
                f"The strength is from 0 (the source) to 1 (the drawing), not {self.strength:g}."
            )
        if self.compare not in (None, *COMPARE):
            raise MediaError(unknown_choice_message("comparison", str(self.compare), COMPARE))

    @property
    def needs_source(self) -> bool:
        """Whether the result shows the source."""
        return self.strength < 1 or self.keep_colour or self.compare is not None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the frames to write, for a source of this size."""
        return (2 * width, height) if self.compare == "side" else (width, height)

    def in_pytorch(self) -> "TensorRetouch | None":
        """See Effect. Comparisons are made on the CPU: they copy more than they compute."""
        if self.compare is not None:
            return None
        from .pytorch.compositing import TensorRetouch

        return TensorRetouch(self.strength, keep_colour=self.keep_colour)

    def __call__(self, frame: Frame, drawing: Frame | None) -> Frame | None:
        """Return the frame to write; `drawing` has the source's size.

        A frame that did not keep its picture at the source's size is scaled to it.
        """
        if drawing is None or not self.needs_source:
            return drawing
        source = frame.image if frame.full is None else frame.full
        if source.shape != drawing.image.shape:
            source = resize(source, frame.size)
        image, alpha = self._mix(source, drawing.image), frame.alpha if self.strength == 0 else drawing.alpha
        if self.compare == "side":
            image, alpha = np.hstack([source, image]), _join_alpha(frame.alpha, alpha)
        elif self.compare is not None:
            image = _divide(source, image, self._line_position(frame.time))
        return replace(replace_image(drawing, image), alpha=alpha)

    def _mix(self, source: Image, drawing: Image) -> Image:
        if self.strength == 0:
            return source
        if self.strength == 1 and not self.keep_colour:
            return drawing
        result = np.empty_like(drawing)
        rows = max(1, _BAND // source.shape[1])
        for top in range(0, len(source), rows):
            band = slice(top, top + rows)
            drawn = recolour(source[band], drawing[band]) if self.keep_colour else drawing[band]
            result[band] = blend(source[band], drawn, self.strength)
        return result

    def _line_position(self, time: float) -> float:
        """Return the position of the line as a share of the width.

        A wipe begins in the middle, for pictures.
        """
        return 0.5 if self.compare == "split" else abs((time / SWEEP + 0.5) % 2 - 1)


def recolour(source: Image, drawing: Image) -> Image:
    """Return the drawing's luma with the source's chroma.

    R, G and B of the source change by the same amount, so that their differences, the chroma, stay.
    """
    change = np.subtract(drawing, source, dtype=np.float32) @ np.array(LUMA, np.float32)
    steps = np.rint(change).astype(np.int16)
    result = np.repeat(steps, 3, axis=1).reshape(source.shape)  # broadcasting over three values is slow
    result += source
    return np.clip(result, 0, 255, out=result).astype(np.uint8)


def blend(source: Image, drawing: Image, strength: float) -> Image:
    """Interpolate from the source, at strength 0, to the drawing, at 1, rounded to the nearest level."""
    if strength == 1:
        return drawing
    mixed = np.subtract(drawing, source, dtype=np.float32)
    mixed *= np.float32(strength)
    mixed += source
    mixed += np.float32(0.5)
    return mixed.astype(np.uint8)


def _join_alpha(left: Plane | None, right: Plane | None) -> Plane | None:
    """The opacity of two pictures side by side; a video is transparent in all frames or in none."""
    return None if left is None or right is None else np.hstack([left, right])


def _divide(source: Image, drawing: Image, position: float) -> Image:
    """The source left of a position, the drawing right of it, and a line visible on any background."""
    height, width = source.shape[:2]
    line, x = max(1, round(min(height, width) / 360)), round(position * width)
    divided = drawing.copy()
    divided[:, :x] = source[:, :x]
    divided[:, max(0, x - 2 * line) : x + 2 * line] = _LINE_EDGE
    divided[:, max(0, x - line) : x + line] = _LINE
    return divided
