"""Where the segments of a film begin, as far as its packets tell, without decoding it."""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence

import av

from ..media import ResumableSource, Segment
from ..media.remote import open_container
from ..run.frame_range import FrameRange

LONGEST = 8
"""Segments that one task draws, one after another: to open the source and find the place takes its time."""


def frame_times(source: ResumableSource) -> "array[int] | None":
    """The pts of the frames of `source`, in order, if each packet is one; None if packets have no times.

    It is a guess, as only decoders know: what is drawn on it is compared with what comes before.
    """
    times = array("q")
    file = source.video.other_streams
    assert file is not None
    offset = round(file.shift / source.video.time_base)
    with open_container(source.path) as container:
        stream = container.streams[file.picture]
        if source.start:
            container.seek(int(max(0.0, file.shift - 2) * av.time_base))
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                if packet.pts is None:
                    return None
                times.append(packet.pts - offset)
    return array("q", sorted(time for time in times if _is_taken(source, time)))


def _is_taken(source: ResumableSource, pts: int) -> bool:
    time, first = float(pts * source.video.time_base), source.start or 0.0
    begins = -math.inf if source.start is None else -1e-6
    ends = math.inf if source.end is None else source.end - first - 1e-6
    return begins <= time < ends


def stretches(
    times: Sequence[int], every: int, longest: int, finished: Mapping[int, Segment]
) -> Iterator[FrameRange]:
    """What is left to draw of a film with frames at `times`: up to `longest` segments of `every` a stretch.

    The last stretch has no end: it goes on for as long as there are frames.
    """
    missing = [first for first in range(0, max(len(times), 1), every) if first not in finished]
    run: list[int] = []
    for first in missing:
        if run and (first != run[-1] + every or len(run) == longest):
            yield _stretch(run, every, times, finished)
            run = []
        run.append(first)
    if run:
        yield _stretch(run, every, times, finished)


def _stretch(run: list[int], every: int, times: Sequence[int], finished: Mapping[int, Segment]) -> FrameRange:
    first, until = run[0], run[-1] + every
    end = until if until < len(times) else None
    before = finished.get(first - every)
    if before is not None:
        return behind(before, end)
    return FrameRange(first, end, pts=times[first - 1] if first else None)


def behind(segment: Segment, until: int | None) -> FrameRange:
    """What follows a segment that is known."""
    return FrameRange(segment.end, until, mark=segment.mark, last=segment.last)
