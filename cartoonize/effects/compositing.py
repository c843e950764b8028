"""What is done with a drawing beside its source: how much of it is taken, and whether both are shown."""

from dataclasses import dataclass, replace

import numpy as np

from ..core.choices import COMPARE, did_you_mean
from ..core.draw_size import replace_image, resize
from ..core.errors import MediaError
from ..core.frames import Frame, Image, Plane

SWEEP = 4.0
"""Seconds in which the line of a wipe crosses the picture; it then comes back."""
_BAND = 1 << 15  # pixels at once, which stay in the processor's cache and bound the memory
_LIGHT, _DARK = 255, 32  # of the line between both
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709


@dataclass(frozen=True, slots=True)
class Retouch:
    """What is done with each drawing, in this order; the defaults leave it as it is.

    `keep_colour` takes only the luma of the drawing, and the chroma of the source (Rec. 709). `strength`
    blends: 0 is the source, 1 the drawing. `compare` shows both: "side" the source left of the drawing, in a
    picture twice as wide; "split" the source's left half and the drawing's right; "wipe" as that, with a line
    that crosses a video in 4 seconds and comes back in 4.

    Raises:
        MediaError: a value that cannot be.
    """

    strength: float = 1.0
    keep_colour: bool = False
    compare: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise MediaError(
                f"The strength is from 0 (the source) to 1 (the drawing), not {self.strength:g}."
            )
        if self.compare not in (None, *COMPARE):
            raise MediaError(
                f"One can compare by {', '.join(COMPARE)}, not by {self.compare!r}."
                f"{did_you_mean(self.compare, COMPARE)}"
            )

    @property
    def needs_source(self) -> bool:
        """Whether the source is seen in the result, so that frames have to bring it at its own size."""
        return self.strength < 1 or self.keep_colour or self.compare is not None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what comes of pictures of this size."""
        return (2 * width, height) if self.compare == "side" else (width, height)

    def __call__(self, frame: Frame, drawing: Image) -> Frame:
        """The frame to write, of the source's and its drawing, which has the source's own size, (H, W, 3).

        Neither is changed. A source that did not bring its picture at its own size is scaled to it.
        """
        if not self.needs_source:
            return replace_image(frame, drawing)
        source, alpha = frame.image if frame.full is None else frame.full, frame.alpha
        if source.shape != drawing.shape:
            source = resize(source, frame.size)
        drawing = self._mixed(source, drawing)
        if self.compare == "side":
            drawing, alpha = np.hstack([source, drawing]), widened(alpha)
        elif self.compare is not None:
            drawing = _divided(source, drawing, self._place(frame.time))
        return replace(replace_image(frame, drawing), alpha=alpha)

    def _mixed(self, source: Image, drawing: Image) -> Image:
        if self.strength == 0:
            return source
        if self.strength == 1 and not self.keep_colour:
            return drawing
        result = np.empty_like(drawing)
        rows = max(1, _BAND // source.shape[1])
        for top in range(0, len(source), rows):
            band = slice(top, top + rows)
            mixed = recoloured(source[band], drawing[band]) if self.keep_colour else drawing[band]
            result[band] = blended(source[band], mixed, self.strength)
        return result

    def _place(self, time: float) -> float:
        """Where the line is, from 0 to 1. It begins in the middle, where a picture has it."""
        if self.compare == "split":
            return 0.5
        return abs((time / SWEEP + 0.5) % 2 - 1) if time else 0.5


def recoloured(source: Image, drawing: Image) -> Image:
    """The drawing's luma with the source's chroma: R, G and B change alike, and their differences stay."""
    change = np.subtract(drawing, source, dtype=np.float32) @ _LUMA
    steps = np.rint(change).astype(np.int16)
    result = np.repeat(steps, 3, axis=1).reshape(source.shape)  # to broadcast over three values is slow
    result += source
    return np.clip(result, 0, 255, out=result).astype(np.uint8)


def blended(source: Image, drawing: Image, strength: float) -> Image:
    """From the source, 0, to the drawing, 1, rounded to the nearest level."""
    if strength == 1:
        return drawing
    mixed = np.subtract(drawing, source, dtype=np.float32)
    mixed *= np.float32(strength)
    mixed += source
    mixed += np.float32(0.5)
    return mixed.astype(np.uint8)


def widened(alpha: Plane | None) -> Plane | None:
    """The opacity of two pictures side by side."""
    return None if alpha is None else np.hstack([alpha, alpha])


def _divided(source: Image, drawing: Image, place: float) -> Image:
    """The source up to a share of the width, a line that is seen on any ground, and the drawing."""
    height, width = source.shape[:2]
    line, at = max(1, round(min(height, width) / 360)), round(place * width)
    divided = drawing.copy()
    divided[:, :at] = source[:, :at]
    divided[:, max(0, at - 2 * line) : at + 2 * line] = _DARK
    divided[:, max(0, at - line) : at + line] = _LIGHT
    return divided
