"""Some segments of a video, drawn by themselves, as they come out when all of it is drawn in one go."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from ..backends import LoadedBackend
from ..core.errors import SourceError
from ..effects.compositing import Retouch
from ..media import Mark, Segment, SegmentSink, VideoSource
from .job import drawing
from .segmented import SegmentedRun


class FrameRangeError(SourceError):
    """What was guessed of a source is not so."""


@dataclass(frozen=True, slots=True)
class FrameRange:
    """The frames from number `first` on, and before number `until`, or to the end if that is None.

    `mark` is the source's of the frame before, where there is one; or only its `pts`, if that is a guess.
    `last` is the pts of that frame as it was written, where that is known.
    """

    first: int
    until: int | None
    pts: int | None = None
    mark: Mark | None = None
    last: int | None = None


def convert_frame_range(
    source: VideoSource,
    sink: SegmentSink,
    backend: LoadedBackend,
    stretch: FrameRange,
    *,
    batch: int,
    every: int,
    stabilize: bool,
    retouch: Retouch | None = None,
) -> Iterator[tuple[Segment, bytes]]:
    """Segments of `every` frames, and the files that they make, each once it is finished.

    `source` was just opened; `batch` frames are drawn at once.

    Raises:
        MisplacedError: there is no frame at `stretch.pts`.
    """
    course = SegmentedRun(source, sink, stabilize=stabilize, retouch=retouch)
    if stretch.first:
        sink.go_on(stretch.first, _begun_behind(source, stretch), stretch.last)
    course.begin_behind(stretch.first, every)
    source.until = stretch.until
    with closing(drawing(source, sink, backend, course, batch)) as drawn:
        for _ in drawn:
            yield from _finished(sink)
    course.end_segment()
    yield from _finished(sink)


def _begun_behind(source: VideoSource, stretch: FrameRange) -> Mark:
    if stretch.mark is not None:
        source.go_on(stretch.first, stretch.mark)
        return stretch.mark
    assert stretch.pts is not None
    found = source.go_to(stretch.first, stretch.pts)
    if found is None:
        raise FrameRangeError(f"{source.path} has no frame {stretch.first} where it should be.")
    return found


def _finished(sink: SegmentSink) -> Iterator[tuple[Segment, bytes]]:
    while sink.finished:
        yield sink.finished.popleft()
