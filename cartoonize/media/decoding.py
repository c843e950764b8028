"""How videos are read: what a user may choose."""

from dataclasses import dataclass
from fractions import Fraction

from ..errors import MediaError


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a video is read.

    `stream`: the number of the video stream in the file, counted over all its streams; by default the one
    that the file names, or the first. `hdr`: "tonemap" turns HDR video into SDR, "fail" refuses it. `fps`:
    frames a second of a folder of pictures, 25 by default; videos have times of their own. `max_pixels`:
    larger frames are refused before they take memory; by default 67 million, twice those of 8K. `max_size`:
    pictures whose longer side has more pixels are made smaller; by default none are.

    Raises:
        MediaError: a value that cannot be.
    """

    stream: int | None = None
    hdr: str = "tonemap"
    fps: Fraction | None = None
    max_pixels: int | None = None
    max_size: int | None = None

    def __post_init__(self) -> None:
        if self.hdr not in ("tonemap", "fail"):
            raise MediaError(f"HDR video can be met with tonemap or fail, not with {self.hdr!r}.")
        if self.fps is not None and not Fraction(1, 1000) <= self.fps <= 1000:
            raise MediaError(f"{float(self.fps):g} frames/s cannot be; write a rate from 0.001 to 1000.")
