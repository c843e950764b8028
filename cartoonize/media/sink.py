"""The contract of sinks, which take frames."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from ..core.frames import Frame
from ..core.yuv import YuvWeights
from .encoding import Encoding
from .remote import Location
from .segment import FrameMark, Segment


class Sink(ABC):
    """Takes frames in order. If its `with` block ends normally, the output appears under its name. If it ends
    by an exception, nothing has that name, and an existing file is unchanged; what was recorded live may
    remain as NAME.partial.SUFFIX, or as the first of numbered pictures.

    A subclass has to provide `write`; everything else is optional. Nothing is created, opened or locked
    before the `with` block is entered: a sink that is never entered leaves no trace.
    """

    def open(self) -> None:
        """Acquire what is written to; called when the `with` block is entered."""

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Take the next frame."""

    def commit(self) -> None:
        """Complete the output under its name; called when the `with` block ends normally."""

    def abort(self, error: BaseException) -> None:
        """Remove what was written; called when the `with` block or `commit` fails. Notes may be added to
        `error`."""

    @cached_property
    def notices(self) -> list[str]:
        """Sentences for the user, complete at the end: something could not be carried over."""
        return []

    @property
    def resumable(self) -> "ResumableSink | None":
        """The sink itself if it can keep finished segments of an interrupted run; else None."""
        return None

    @property
    def yuv_weights(self) -> YuvWeights | None:
        """The weights for frames in YUV 4:2:0 (`Frame.is_yuv`), if `write` takes them too; else None."""
        return None

    def mark_partial(self) -> Location | None:
        """Choose a name for an incomplete output, and return it; None if the sink cannot."""
        return None

    def is_closed(self) -> bool:
        """Whether the user has closed the sink, such as a window; then no more frames are needed."""
        return False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.abort(error)
            return
        try:
            self.commit()
        except BaseException as failure:
            self.abort(failure)
            raise


class SegmentedSink(Sink):
    """A sink that writes a video in segments."""

    @abstractmethod
    def end_segment(self, mark: FrameMark) -> None:
        """Finish the segment of the frames so far; `mark` is the source's mark of the last one."""


class ResumableSink(SegmentedSink):
    """A sink whose finished segments outlive an error, or the process, and which continues after them."""

    path: Location
    encoding: Encoding

    @property
    @abstractmethod
    def muxer(self) -> str:
        """FFmpeg's name of the container that is written."""

    @property
    @abstractmethod
    def finished(self) -> Mapping[int, Segment]:
        """The finished segments by their first frames, also those that do not follow one another yet."""

    @abstractmethod
    def resume(self, key: dict[str, Any], *, restart: bool) -> Segment | None:
        """Keep segments from now on, and write those that an earlier run of the same `key` finished.

        Returns the last of them.

        Args:
            key: what the frames depend on, by names that a user knows; in JSON's types.
            restart: ignore what an earlier run left.
        """

    @abstractmethod
    def append(self, segment: Segment) -> None:
        """Write a finished segment after the others, with the packets of other streams up to its end."""

    @abstractmethod
    def add_finished(self, segment: Segment, data: bytes) -> None:
        """Keep a segment that a SegmentSink made elsewhere; `append` writes it later."""
