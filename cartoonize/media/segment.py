"""Segments, parts of a video that are encoded independently, and marks, which identify its frames."""

from dataclasses import dataclass
from typing import TypedDict


class FrameMark(TypedDict):
    """Identifies a frame of a source.

    `pts` is its time in the source's time base, `crc` the CRC-32 of its RGB pixels. `packets` and `frames`
    are the damage counted up to it (see damage.py).
    """

    pts: int
    crc: int
    packets: int
    frames: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of `frames` frames, after the first `first` frames of the video.

    `before` is the source's mark of the frame before, or None if there is none; `mark` is that of the
    segment's last frame. `begins` and `last` are the pts of its first and last frame as they were written.
    """

    first: int
    frames: int
    before: FrameMark | None
    mark: FrameMark
    begins: int
    last: int

    @property
    def end(self) -> int:
        """The number of frames of the video up to the end of the segment."""
        return self.first + self.frames

    def follows(self, other: "Segment | None") -> bool:
        """Whether it continues where `other` ends, or starts the video if `other` is None.

        The frame before is identified by its time and its pixels.
        """
        if other is None or self.before is None:
            return other is None and self.before is None and self.first == 0
        same = self.before["pts"] == other.mark["pts"] and self.before["crc"] == other.mark["crc"]
        return same and self.first == other.end and self.begins > other.last
