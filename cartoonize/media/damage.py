"""Damaged files: what can be read is read, and what cannot is counted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

PATIENCE = 1000
"""Failures to find a packet, one after another, after which a file is taken to be at its end."""


@dataclass(slots=True)
class Damage:
    """What could not be read of a video as it should: `packets` that cannot be decoded, `frames` with errors
    in them, and whether the file is `cut`, that is, ends before it says."""

    packets: int = 0
    frames: int = 0
    cut: bool = False

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def sentence(self, name: str) -> str:
        """What a user has to know of it."""
        what = []
        if self.packets:
            what.append(f"{_count(self.packets, 'damaged packet')} could not be decoded; frames are missing")
        if self.frames:
            what.append(f"{_count(self.frames, 'frame')} could be decoded in part only")
        if self.cut:
            what.append("the file ends before it should")
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
    """Watches a picture's packets go by, to tell whether they ended where the file says.

    MP4 and MOV list all samples; Matroska says how many bytes it has. Of others nothing is expected: what
    their headers say of lengths is often an estimate, or wrong.
    """

    def __init__(self, path: Path, container: InputContainer, picture: Stream) -> None:
        name = container.format.name
        entries = picture.index_entries if name.startswith("mov") else ()
        self._listed = entries[len(entries) - 1].timestamp if len(entries) else -math.inf
        self._last = -math.inf
        self._cut = name.startswith("matroska") and _matroska_size(path) > path.stat().st_size

    def see(self, packet: "Packet[Any]") -> None:
        """Take note of a packet."""
        if packet.dts is not None:
            self._last = max(self._last, packet.dts)

    @property
    def missing(self) -> bool:
        """Whether there should have been more."""
        return self._cut or self._last < self._listed


def _matroska_size(path: Path) -> int:
    """Bytes that a Matroska or WebM file should have; 0 if it does not say, as those recorded live.

    A file is two elements, the header and the segment, each an identifier of four bytes, a size, and so many
    bytes (RFC 8794, RFC 9559).
    """
    with path.open("rb") as file:
        end = 0
        for identifier in (0x1A45DFA3, 0x18538067):
            file.seek(end)
            if int.from_bytes(file.read(4), "big") != identifier:
                return 0
            first = file.read(1)
            length = 9 - int.from_bytes(first).bit_length()  # its leading zeros count the bytes that follow
            size = int.from_bytes(first + file.read(length - 1)) & ~(1 << 7 * length)
            if length == 9 or size == (1 << 7 * length) - 1:  # damaged, or unknown
                return 0
            end = file.tell() + size
    return end


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
