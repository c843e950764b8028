"""When the picture of a file ends, without decoding it."""

import av
from av.container import InputContainer
from av.stream import Stream

from ..remote import Location, open_container


def picture_end(path: Location, container: InputContainer, picture: Stream) -> float | None:
    """The second on the file's own clock; None if there are no times in the file.

    What a file says of itself is believed. Where it says nothing, its packets are read through by a handle of
    their own: recordings that were cut off do not say, nor do streams that were stored as they came.
    """
    if picture.duration and picture.time_base:
        return float(((picture.start_time or 0) + picture.duration) * picture.time_base)
    if container.duration:
        return ((container.start_time or 0) + container.duration) / av.time_base
    return _last_packet(path, picture.index)


def _last_packet(path: Location, stream: int) -> float | None:
    with open_container(path) as container:
        packets = container.demux(container.streams[stream])
        ends = ((p.pts + (p.duration or 0)) * p.time_base for p in packets if p.pts is not None)
        last = max(ends, default=None)
    return None if last is None else float(last)
