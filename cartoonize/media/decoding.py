"""How videos are read: what a user may choose."""

from dataclasses import dataclass
from fractions import Fraction

from ..core.choices import HDR, Detail, did_you_mean
from ..core.errors import MediaError

SMALLEST = 16
"""Pixels of the longer side to which pictures can be made smaller."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a video is read.

    `stream`: the number of the video stream in the file, counted over all its streams; by default the one
    that the file names, or the first. `hdr`: "tonemap" turns HDR video into SDR, "fail" refuses it. `fps`:
    frames a second of a folder of pictures, 25 by default; videos have times of their own. `max_pixels`:
    larger frames are refused before they take memory; by default 67 million, twice those of 8K. `max_size`:
    frames with a longer side are made smaller. `detail`: the size at which they are drawn, and so handed out
    (see draw_size.py); "full" is their own. `keep_source`: frames that are drawn at another size also hold
    the picture at its own, for a look that shows both.

    Raises:
        MediaError: a value that cannot be.
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
            raise MediaError(
                f"There is no way {self.hdr!r} to handle HDR: choose {' or '.join(HDR)}."
                f"{did_you_mean(self.hdr, HDR)}"
            )
        if self.fps is not None and not Fraction(1, 1000) <= self.fps <= 1000:
            raise MediaError(f"{float(self.fps):g} frames/s cannot be; write a rate from 0.001 to 1000.")
        if self.max_size is not None:
            check_max_size(self.max_size)


def check_max_size(pixels: int) -> None:
    """Refuse sides of which nothing would be left to draw.

    Raises:
        MediaError: they are.
    """
    if pixels < SMALLEST:
        raise MediaError(
            f"Pictures of {pixels} pixels are too small to draw; --max-size begins at {SMALLEST}."
        )


def fitted(width: int, height: int, max_size: int | None, *, even: bool = False) -> tuple[int, int]:
    """The size whose longer side is at most `max_size`, of the same shape; never larger than it was.

    Where it gets smaller, and `even` is true, both sides are even, as most video has to be.
    """
    if max_size is None or max(width, height) <= max_size:
        return width, height
    step, scale = 2 if even else 1, max_size / max(width, height)
    wide, high = (max(step, step * round(side * scale / step)) for side in (width, height))
    return min(wide, max_size // step * step), min(high, max_size // step * step)


def smaller(name: str, before: tuple[int, int], after: tuple[int, int]) -> str:
    """What to say of a picture or video that is made smaller."""
    return f"{name} is drawn at {after[0]}x{after[1]} in place of its {before[0]}x{before[1]} pixels."
