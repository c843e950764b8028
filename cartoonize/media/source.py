"""The contract of sources, which provide frames."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from types import TracebackType
from typing import Self

from ..core.frames import Frame
from .damage import Damage
from .decoding import Decoding
from .remote import Location
from .segment import FrameMark
from .video_info import VideoInfo


class Source(ABC):
    """An iterable of frames, which can be iterated once. It may be closed at any time.

    A subclass has to provide `__iter__`; everything else is optional. A source of video sets `video`, so that
    `open_sink` can write a video file; for separate pictures it is None. `frames` is the number of frames, an
    estimate, or None if it is unknown.
    """

    video: VideoInfo | None = None
    frames: int | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Release what is open; closing again does nothing."""

    @cached_property
    def notices(self) -> list[str]:
        """Sentences for the user, complete at the end: something was left out, repaired or chosen."""
        return []

    @cached_property
    def damage(self) -> Damage:
        """The damage so far; false if everything was read."""
        return Damage()

    @property
    def resumable(self) -> "ResumableSource | None":
        """The source itself if frames can be found again after it was reopened; else None."""
        return None

    def measure_duration(self) -> float | None:
        """Seconds of the range that is read; None if unknown."""
        return float(self.frames / self.video.rate) if self.video and self.frames else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ResumableSource(Source):
    """A video file in which any frame can be found again, so that an interrupted run continues there.

    After every `mark_interval` frames, and after the last, `marks` gets the mark of that frame, under the
    number of frames so far. Iterating ends before frame number `stop_before`, if that is set; `is_exhausted`
    tells afterwards whether there is no such frame. `start`, `end` and `decoding` are as in `open_source`.
    """

    video: VideoInfo
    path: Location
    start: float | None
    end: float | None
    decoding: Decoding
    mark_interval: int
    marks: dict[int, FrameMark]
    stop_before: int | None
    is_exhausted: bool

    @abstractmethod
    def resume_after(self, frame_count: int, mark: FrameMark) -> None:
        """Continue after the first `frame_count` frames; `mark` is that of the last of them."""

    @abstractmethod
    def seek_after(self, frame_count: int, pts: int) -> FrameMark | None:
        """Continue after the frame at `pts`, which is taken to be the last of the first `frame_count` frames.

        Returns its mark, which shows whether it was; None if there is no such frame.
        """
