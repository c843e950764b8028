"""Damaged files: what can be read is read, and what cannot is counted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from .remote import Place

SLACK = 1.0
"""Seconds that a whole file may be shorter than its container says, as muxers round and pad."""
PATIENCE = 1000
"""Failures to find a packet, one after another, after which a file is taken to be at its end."""


@dataclass(slots=True)
class Damage:
    """What could not be read of a video as it should: `packets` that cannot be decoded, `frames` with errors
    in them, and whether its `container` is. What is missing because of that cannot be counted.
    """

    packets: int = 0
    frames: int = 0
    container: bool = False

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def reset(self, packets: int = 0, frames: int = 0, *, container: bool = False) -> None:
        """Count from here on; those who count hold on to this object."""
        self.packets, self.frames, self.container = packets, frames, container

    def sentence(self, name: str) -> str:
        """What a user has to know of it."""
        what = []
        if self.packets:
            what.append(f"{_count(self.packets, 'damaged packet')} could not be decoded; frames are missing")
        if self.frames:
            what.append(f"{_count(self.frames, 'frame')} could be decoded in part only")
        if self.container:
            what.append("its container is broken or cut short, so that frames may be missing")
        return f"{name} is damaged: {', and '.join(what)}."


def readable(container: InputContainer, streams: Sequence[Stream], damage: Damage) -> "Iterator[Packet[Any]]":
    """Packets of some streams; where the container is damaged, reading goes on behind."""
    failures = 0
    while failures < PATIENCE:
        try:
            for packet in container.demux(*streams):
                failures = 0
                yield packet
        except av.error.InvalidDataError:
            failures += 1
            damage.packets += 1
        else:
            return


class End:
    """Watches packets go by, to tell in the end whether they were all.

    MP4 and MOV list their samples. Matroska says how long its longest stream lasts, and is a chain of
    elements; where it is broken FFmpeg passes over parts without a word. Of others nothing is known: what
    their headers say of lengths is often an estimate. Where `everything` is true, `see` needs the packets of
    all streams.
    """

    def __init__(self, path: Place, container: InputContainer, picture: Stream) -> None:
        self._path, self._kind = path, container.format.name
        entries = picture.index_entries if self._kind.startswith("mov") else ()
        self._listed = entries[len(entries) - 1].timestamp if len(entries) else -math.inf
        self._picture, self._last, self._seen = picture.index, -math.inf, 0.0
        self.everything = self._kind.startswith("matroska")
        self._expected = (container.duration or 0) / av.time_base - SLACK

    def see(self, packet: "Packet[Any]") -> None:
        """Take note of a packet."""
        if packet.dts is not None and packet.stream_index == self._picture:
            self._last = max(self._last, packet.dts)
        if packet.pts is not None:
            self._seen = max(self._seen, float(packet.pts * packet.time_base))

    @property
    def missing(self) -> bool:
        """Whether there should have been more; of Matroska the file is read for that, but for its payload."""
        if self.everything:
            return self._seen < self._expected or not _is_chain(self._path)
        return self._last < self._listed


# Elements of Matroska and WebM (RFC 9559): those that are entered, and what is found in them.
_ENTERED = {0x18538067, 0x1F43B675}  # Segment, Cluster
_PASSED = {
    0x1A45DFA3, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367,
    0xE7, 0xA3, 0xA0, 0xAB, 0xA7, 0xAF, 0x5854, 0xEC, 0xBF,
}  # fmt: skip


def _is_chain(path: Place) -> bool:
    """Whether a Matroska file is made of known elements from its beginning to its end.

    An element is an identifier, the size of its content, and that (RFC 8794). 250,000 of them, which is an
    hour of film, take about half a second.
    """
    end, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place < end:
            file.seek(place)
            head = file.read(12)
            width = _width(head)
            identifier, head = int.from_bytes(head[:width]), head[width:]
            if identifier not in _ENTERED | _PASSED or len(head) < _width(head):
                return False
            place += width + _width(head)
            if identifier not in _ENTERED:
                place += int.from_bytes(head[: _width(head)]) & ~(1 << 7 * _width(head))
    return place == end


def _width(head: bytes) -> int:
    """Bytes of the number that comes first: the leading zeros of its first byte count those that follow."""
    return 9 - int.from_bytes(head[:1]).bit_length()


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
