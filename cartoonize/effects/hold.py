"""Drawings held for several frames, as in cartoons, which are drawn "on twos" or "on threes"."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.draw_size import replace_image
from ..core.errors import MediaError
from ..core.frames import Frame, Image
from .effect import Effect

HOLDS = (2, 3)
"""The numbers of frames, at 24 a second, for which a drawing can be held."""
FILM_RATE = 24
"""The frame rate, per second, for which cartoons are drawn: on twos they have 12 drawings a second."""
_FASTEST, _SLOWEST = 30, 24  # rates at which frames are counted; at others, time decides
_ROUNDING = 1.5e-3  # seconds by which the times of two frames may be off in files that count milliseconds

# A frame begins a shot if its thumbnail differs from the last one by CUT_CHANGE of its brightness, and by
# CUT_RATIO times what the last two frames changed, so that a fast pan is not one cut after another. Pairs of
# 250 photos differ by 0.18 or more, at a sixth of the light by 0.13; frames of steady shots by 0.04 or less.
# A frame that is wrongly taken for a cut costs one more drawing; a missed cut shows the old shot for another
# frame or two.
CUT_CHANGE, CUT_RATIO = 0.08, 2.0
_DARKEST = 16  # levels added to the brightness, so that the noise of a black picture is no cut
_ROWS, _COLUMNS, _SAMPLES = 12, 16, 4  # cells of a thumbnail, and pixels read along each side of a cell


class Hold(Effect):
    """Holds each drawing for 2 or 3 frames. The network skips the frames between.

    At a constant rate of 24 to 30 frames per second, a drawing lasts for `frames` frames. At other rates and
    at variable rates it lasts 1/12 s (2) or 1/8 s (3), to the nearest frame. A cut begins a new drawing, and
    so does a segment. Every frame keeps its time.

    Raises:
        MediaError: `frames` is neither 2 nor 3.
    """

    at_source_size: ClassVar[bool] = True  # so that a drawing is enlarged once, not for each frame

    def __init__(self, frames: int) -> None:
        if frames not in HOLDS:
            raise MediaError(f"A drawing can be held for 2 or 3 frames, not for {frames}.")
        self._frames = frames
        self._cuts = CutDetector()
        self._drawn_at: Frame | None = None  # the last frame that was not skipped; without pictures
        self._count = 0  # frames since then, including that frame
        self._held: Frame | None = None  # its drawing

    def skip(self, frame: Frame, *, first: bool) -> bool:
        """Return whether the last drawing goes on."""
        if first:
            self._cuts = CutDetector()
        is_cut = self._cuts.is_cut(frame.image)
        if first or is_cut or self._is_due(frame):
            self._drawn_at, self._count = _without_pictures(frame), 1
            return False
        self._count += 1
        return True

    def __call__(self, frame: Frame, drawing: Frame | None) -> Frame | None:
        """Return the drawing, or the last one at the time of this frame."""
        if drawing is not None:
            self._held = drawing
            return drawing
        if self._held is None:
            return None
        return replace(replace_image(frame, self._held.image), alpha=self._held.alpha)

    def _is_due(self, frame: Frame) -> bool:
        last = self._drawn_at
        if last is None or last.size != frame.size:
            return True
        elapsed = float(frame.pts * frame.time_base - last.pts * last.time_base)
        if elapsed <= 0:  # times that repeat or go back
            return True
        interval = elapsed / self._count
        if 1 / _FASTEST - _ROUNDING <= interval <= 1 / _SLOWEST + _ROUNDING:
            return self._count >= self._frames
        return elapsed >= self._frames / FILM_RATE - interval / 2 - _ROUNDING


class CutDetector:
    """Finds the frames that begin a shot, by thumbnails of 16 by 12 cells; costs 0.1 ms a frame."""

    def __init__(self) -> None:
        self._thumbnail: NDArray[np.float32] | None = None
        self._changes = (0.0, 0.0)  # of the last two frames

    def is_cut(self, image: Image) -> bool:
        """Return whether `image`, the next frame, begins a shot; the first frame of all does not."""
        before, self._thumbnail = self._thumbnail, _thumbnail(image)
        if before is None:
            return False
        brightness = max(float(before.mean()), float(self._thumbnail.mean()))
        change = float(np.abs(self._thumbnail - before).mean()) / (brightness + _DARKEST)
        motion = min(self._changes)  # a cut or a flash raises only one of the two
        self._changes = self._changes[1], change
        return change > max(CUT_CHANGE, CUT_RATIO * motion)


def _thumbnail(image: Image) -> NDArray[np.float32]:
    """The mean colours of 12 by 16 cells of a picture of any size, (12, 16, 3)."""
    rows, columns = (
        (np.arange(cells * _SAMPLES) + 0.5) * side // (cells * _SAMPLES)
        for cells, side in zip((_ROWS, _COLUMNS), image.shape[:2], strict=True)
    )
    samples = image[rows.astype(np.intp)[:, None], columns.astype(np.intp)]
    cells = samples.reshape(_ROWS, _SAMPLES, _COLUMNS, _SAMPLES, 3)
    means: NDArray[np.float32] = cells.mean(axis=(1, 3), dtype=np.float32)
    return means


def _without_pictures(frame: Frame) -> Frame:
    """The frame's time and size."""
    return replace(frame, image=np.empty((0, 0, 3), np.uint8), alpha=None, full=None, full_size=frame.size)
