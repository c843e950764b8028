"""Finds the end of a video stream without decoding it."""

import av
from av.container import InputContainer
from av.stream import Stream

from ..remote import Location, open_container


def find_video_end(path: Location, container: InputContainer, video: Stream) -> float | None:
    """Return the second on the clock of the file; None if the file has no times.

    It is the duration that the file states. Truncated recordings and raw streams state none: their packets
    are read through a second handle.
    """
    if video.duration and video.time_base:
        return float(((video.start_time or 0) + video.duration) * video.time_base)
    if container.duration:
        return ((container.start_time or 0) + container.duration) / av.time_base
    return _find_last_packet(path, video.index)


def _find_last_packet(path: Location, stream: int) -> float | None:
    with open_container(path) as container:
        packets = container.demux(container.streams[stream])
        ends = ((p.pts + (p.duration or 0)) * p.time_base for p in packets if p.pts is not None)
        last = max(ends, default=None)
    return None if last is None else float(last)
