"""Divides a video into frame ranges by the times of its packets, without decoding it."""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence

import av

from ..media import ResumableSource, Segment
from ..media.damage import Damage, demux_past_damage
from ..media.ffmpeg import ffmpeg_errors
from ..media.remote import open_container
from ..run.frame_range import FrameRange

MAX_SEGMENTS = 8
"""Segments that one task converts, one after another: opening the source and seeking take time."""


def frame_times(source: ResumableSource) -> "array[int] | None":
    """Return the pts of the frames of `source`, in order, if each packet is one; None if packets have no
    times.

    This is an estimate, as only a decoder knows: the scheduler compares what was converted with what precedes
    it.

    Raises:
        MediaError: the source cannot be read.
    """
    times = array("q")
    file = source.video.other_streams
    assert file is not None
    offset = round(file.shift / source.video.time_base)
    with ffmpeg_errors(source.path), open_container(source.path) as container:
        stream = container.streams[file.picture]
        if source.start:
            container.seek(int(max(0.0, file.shift - 2) * av.time_base))
        for packet in demux_past_damage(container, [stream], Damage()):
            if packet.size and not packet.is_discard:
                if packet.pts is None:
                    return None
                times.append(packet.pts - offset)
    return array("q", sorted(time for time in times if _is_in_range(source, time)))


def _is_in_range(source: ResumableSource, pts: int) -> bool:
    """Whether a frame lies between the start and the end that were asked for."""
    time, first = float(pts * source.video.time_base), source.start or 0.0
    begins = -math.inf if source.start is None else -1e-6
    ends = math.inf if source.end is None else source.end - first - 1e-6
    return begins <= time < ends


def frame_ranges(
    times: Sequence[int], length: int, max_segments: int, finished: Mapping[int, Segment]
) -> Iterator[FrameRange]:
    """Yield what is left to convert of a video with frames at `times`.

    A range has up to `max_segments` segments of `length` frames. The last range has no end: it goes on for as
    long as there are frames. `finished` holds segments by the number of their first frame.
    """
    missing = [first for first in range(0, max(len(times), 1), length) if first not in finished]
    group: list[int] = []
    for first in missing:
        if group and (first != group[-1] + length or len(group) == max_segments):
            yield _frame_range(group, length, times, finished)
            group = []
        group.append(first)
    if group:
        yield _frame_range(group, length, times, finished)


def _frame_range(
    firsts: list[int], length: int, times: Sequence[int], finished: Mapping[int, Segment]
) -> FrameRange:
    """The range of some neighbouring segments, given by their first frames."""
    first, until = firsts[0], firsts[-1] + length
    end = until if until < len(times) else None
    before = finished.get(first - length)
    if before is not None:
        return range_after(before, end)
    return FrameRange(first, end, pts=times[first - 1] if first else None)


def range_after(segment: Segment, until: int | None) -> FrameRange:
    """The frames after a segment that is finished."""
    return FrameRange(segment.end, until, mark=segment.mark, last=segment.last)
