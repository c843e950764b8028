"""What is done with a drawing beside its source: how much of it is taken, and whether both are shown."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .choices import COMPARE, nearest
from .errors import MediaError
from .frames import Frame, Image, Plane

SWEEP = 4.0
"""Seconds in which the line of a wipe crosses the picture; it then comes back."""
_LINE = 0.0015  # width of the line between both, as a share of the picture's; at least two pixels
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
                f"{nearest(self.compare, COMPARE)}"
            )

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what comes of pictures of this size."""
        return (2 * width, height) if self.compare == "side" else (width, height)

    def __call__(self, frame: Frame, drawing: Image) -> Frame:
        """The frame to write, of the source's and its drawing, (H, W, 3) both; neither is changed."""
        source, alpha = frame.image, frame.alpha
        if self.keep_colour:
            drawing = recoloured(source, drawing)
        if self.strength < 1:
            drawing = blended(source, drawing, self.strength)
        if self.compare == "side":
            drawing, alpha = np.hstack([source, drawing]), widened(alpha)
        elif self.compare is not None:
            drawing = _divided(source, drawing, self._place(frame.time))
        return replace(frame, image=drawing, alpha=alpha)

    def _place(self, time: float) -> float:
        """Where the line is, from 0 to 1. It begins in the middle, where a picture has it."""
        if self.compare == "split":
            return 0.5
        return abs((time / SWEEP + 0.5) % 2 - 1) if time else 0.5


def recoloured(source: Image, drawing: Image) -> Image:
    """The drawing's luma with the source's chroma: R, G and B change alike, and their differences stay."""
    change = drawing.astype(np.float32) @ _LUMA - source.astype(np.float32) @ _LUMA
    changed: NDArray[np.int16] = source + np.rint(change).astype(np.int16)[..., None]
    return np.clip(changed, 0, 255).astype(np.uint8)


def blended(source: Image, drawing: Image, strength: float) -> Image:
    """From the source, 0, to the drawing, 1, in steps of 1/128, which fit 16 bits; rounded."""
    step = drawing.astype(np.int16)
    step -= source
    step *= round(128 * strength)
    step += 64
    step >>= 7
    step += source
    return step.astype(np.uint8)


def widened(alpha: Plane | None) -> Plane | None:
    """The opacity of two pictures side by side."""
    return None if alpha is None else np.hstack([alpha, alpha])


def _divided(source: Image, drawing: Image, place: float) -> Image:
    """The source left of a white line, and the drawing right of it."""
    width = source.shape[1]
    line, at = max(2, round(_LINE * width)), round(place * width)
    divided = drawing.copy()
    divided[:, :at] = source[:, :at]
    divided[:, max(0, at - line // 2) : at + line - line // 2] = 255
    return divided
