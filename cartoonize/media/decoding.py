"""The options for reading videos."""

from dataclasses import dataclass
from fractions import Fraction

from ..core.choices import HDR, MAX_SECONDS, Detail
from ..core.errors import MediaError
from ..core.messages import unknown_choice_message

MIN_SIZE = 16
"""Pixels of the longer side; pictures are not scaled down further."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to read a video.

    Attributes:
        stream: the index of the video stream among all streams of the file; None for the stream that the file
            marks as default, or the first one.
        hdr: "tonemap" converts HDR video to SDR, "fail" refuses it.
        fps: frames per second of a folder of pictures; None for 25. Videos have their own times.
        max_pixels: larger frames are refused before memory is allocated; None for 67 million, twice the
            pixels of 8K.
        max_size: pixels of the longer side; larger frames are scaled down.
        detail: the size of the frames, at which the network draws them: "low" is 480 lines, "normal" 720,
            "high" 1080, "full" the size of the source.
        keep_source: frames also keep the picture at the size of the source, for effects that show it.

    Raises:
        MediaError: a value is out of range.
    """

    stream: int | None = None
    hdr: str = "tonemap"
    fps: Fraction | None = None
    max_pixels: int | None = None
    max_size: int | None = None
    detail: Detail = "full"
    keep_source: bool = False

    def __post_init__(self) -> None:
        if self.hdr not in HDR:
            raise MediaError(unknown_choice_message("way to handle HDR", self.hdr, HDR))
        if self.fps is not None and not Fraction(1, 1000) <= self.fps <= 1000:
            raise MediaError(
                f"{float(self.fps):g} frames/s is not a frame rate; write one from 0.001 to 1000."
            )
        if self.max_size is not None:
            check_max_size(self.max_size)


def check_max_size(pixels: int) -> None:
    """Refuse a longer side that is too small to draw.

    Raises:
        MediaError: it is.
    """
    if pixels < MIN_SIZE:
        raise MediaError(
            f"Pictures of {pixels} pixels are too small to draw; --max-size begins at {MIN_SIZE}."
        )


def check_time_range(start: float | None, end: float | None) -> None:
    """Refuse a range of seconds that is empty or beyond all videos.

    Raises:
        MediaError: it is.
    """
    if any(time is not None and not abs(time) < MAX_SECONDS for time in (start, end)):
        raise MediaError(f"A time must be below {MAX_SECONDS:,.0f} seconds.")
    if start is not None and start < 0:
        raise MediaError(f"The start must not be negative ({start:g} s).")
    if end is not None and end <= (start or 0):
        raise MediaError(f"The end ({end:g} s) must be later than the start ({start or 0:g} s).")


def fit_size(width: int, height: int, max_size: int | None, *, even: bool = False) -> tuple[int, int]:
    """The size with a longer side of at most `max_size` and the same shape; never larger than before.

    If it gets smaller and `even` is true, both sides are even, as most video must be.
    """
    if max_size is None or max(width, height) <= max_size:
        return width, height
    step, scale = 2 if even else 1, max_size / max(width, height)
    wide, high = (max(step, step * round(side * scale / step)) for side in (width, height))
    return min(wide, max_size // step * step), min(high, max_size // step * step)


def reduced_size_notice(name: str, before: tuple[int, int], after: tuple[int, int]) -> str:
    """The notice for a picture or video that is scaled down."""
    (width, height), (reduced_width, reduced_height) = before, after
    return f"{name} is reduced from {width}x{height} to {reduced_width}x{reduced_height} pixels."
