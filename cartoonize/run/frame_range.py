"""Converts some segments of a video, with the same result as a conversion of the whole video."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from ..backends import LoadedBackend
from ..core.errors import SourceError
from ..effects.look import Look
from ..media import FrameMark, ResumableSource, Segment, SegmentSink
from .job import convert_frames
from .segmented import SegmentedRun


class FrameRangeError(SourceError):
    """The source has no frame at the time that its packets stated."""


@dataclass(frozen=True, slots=True)
class FrameRange:
    """The frames from number `first` up to, not including, `until`; to the end if that is None.

    `mark` is the source's mark of the preceding frame, if it is known; otherwise `pts` is an estimate of that
    frame's pts. `last` is the pts with which that frame was written, if it is known.
    """

    first: int
    until: int | None
    pts: int | None = None
    mark: FrameMark | None = None
    last: int | None = None


def convert_frame_range(
    source: ResumableSource,
    sink: SegmentSink,
    backend: LoadedBackend,
    frames: FrameRange,
    look: Look,
    *,
    batch: int,
    segment: int,
) -> Iterator[tuple[Segment, bytes] | None]:
    """Convert a range, and yield each segment of `segment` frames, with the bytes of its file, once finished.

    Yields None after each frame, as a sign of life.

    `source` has just been opened. The network draws `batch` frames per call.

    Raises:
        FrameRangeError: there is no frame at `frames.pts`.
    """
    run = SegmentedRun()
    if frames.first:
        sink.continue_after(frames.first, _seek(source, frames), frames.last)
    run.begin_at(source, sink, frames.first, segment)
    source.stop_before = frames.until
    with closing(convert_frames(source, sink, backend, run, look, batch)) as written:
        for _ in written:
            yield from _take_finished(sink)
            yield None
    run.end_segment()
    yield from _take_finished(sink)


def _seek(source: ResumableSource, frames: FrameRange) -> FrameMark:
    """Move the source to the first frame of the range, and return the mark of the preceding frame."""
    if frames.mark is not None:
        source.resume_after(frames.first, frames.mark)
        return frames.mark
    assert frames.pts is not None
    mark = source.seek_after(frames.first, frames.pts)
    if mark is None:
        raise FrameRangeError(f"{source.path} has no frame {frames.first} where it should be.")
    return mark


def _take_finished(sink: SegmentSink) -> Iterator[tuple[Segment, bytes]]:
    while sink.finished:
        yield sink.finished.popleft()
