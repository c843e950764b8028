"""How container files are built, as far as it shows whether something of them is missing.

FFmpeg passes over broken parts without a word, so that what a file says of itself is read here once more: of
a file without its payload, of a pipe along with FFmpeg.
"""

import os
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..remote import Location

Walk: TypeAlias = Generator[tuple[int, int], bytes, None]
"""Asks for the bytes at a place, and how many of them, each time at or behind the place before. At the end it
gets fewer than it asked for."""


@dataclass(slots=True)
class Structure:
    """What was found: whether the file is built as it should be, to its end, and where its frames are.

    `frames` holds the places of the frames of the picture, in bytes from the beginning; `count` is how many
    there should be, where a file says that. None is what its kind does not tell. `size` is that of the file.
    """

    sound: bool = False
    frames: list[int] | None = None
    count: int | None = None
    size: int = 0


def walker(container: str) -> "Callable[[Structure, int], Walk] | None":
    """What walks through a file of a container, by FFmpeg's name; None if there is nothing for its kind."""
    return next((walk for name, walk in _WALKS.items() if container.startswith(name)), None)


def walk_file(path: Location, walk: "Callable[[Structure, int], Walk]", picture: int) -> Structure:
    """Walk through a file. A Matroska file of an hour takes about half a second.

    Args:
        path: the file.
        walk: what `walker` gave.
        picture: the number of the picture among the video streams.
    """
    with path.open("rb") as file:
        return walk_open_file(file, walk, picture)


def walk_open_file(file: BinaryIO, walk: "Callable[[Structure, int], Walk]", picture: int) -> Structure:
    """The same of a file that is open."""
    found = Structure(size=file.seek(0, os.SEEK_END))
    steps = walk(found, picture)
    with suppress(StopIteration):
        place, length = next(steps)
        while True:
            file.seek(place)
            place, length = steps.send(file.read(length))
    return found


class PassingWalk:
    """The same for bytes that pass once; `found` holds what they tell, after `end`."""

    def __init__(self, walk: "Callable[[Structure, int], Walk]", picture: int) -> None:
        self.found = Structure()
        self._steps: Walk | None = walk(self.found, picture)
        self._wanted = next(self._steps)
        self._ahead, self._begins = bytearray(), 0  # bytes that may be asked for, and where they begin

    def see(self, data: bytes) -> None:
        """Take note of the next bytes."""
        self.found.size += len(data)
        if self._steps is not None:
            self._ahead += data
            self._go_on()

    def end(self) -> None:
        """There are no more."""
        while self._steps is not None:
            self._step()

    def _go_on(self) -> None:
        while self._steps is not None:
            place, length = self._wanted
            passed = min(place - self._begins, len(self._ahead))
            del self._ahead[:passed]
            self._begins += passed
            if self._begins < place or len(self._ahead) < length:
                return
            self._step()

    def _step(self) -> None:
        assert self._steps is not None
        place, length = self._wanted
        begins = place - self._begins
        try:
            self._wanted = self._steps.send(bytes(self._ahead[begins : begins + length]))
        except StopIteration:
            self._steps = None
            self._ahead.clear()


# Elements of Matroska and WebM (RFC 9559).
_SEGMENT, _CLUSTER, _TRACKS, _ENTRY, _GROUP = 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0xA0
_NUMBER, _TYPE, _BLOCKS = 0xD7, 0x83, (0xA3, 0xA1)
_VOID, _CHECKSUM = 0xEC, 0xBF
_ENTERED = {_SEGMENT, _CLUSTER, _TRACKS, _ENTRY, _GROUP}
_INSIDE = {  # what is found in each; in others anything
    None: {0x1A45DFA3, _SEGMENT, _VOID, _CHECKSUM},
    _SEGMENT: {
        0x114D9B74, 0x1549A966, _TRACKS, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, _CLUSTER, _VOID,
        _CHECKSUM,
    },
    _CLUSTER: {0xE7, 0xA3, _GROUP, 0xAB, 0xA7, 0xAF, 0x5854, _VOID, _CHECKSUM},
    _TRACKS: {_ENTRY, _VOID, _CHECKSUM},
}  # fmt: skip
_UNTOLD = 1 << 62  # the end of an element that does not say how long it is


class _Elements:
    """The elements of a Matroska file that are open, and what was met in them."""

    def __init__(self) -> None:
        self.parents: list[tuple[int | None, int]] = [(None, _UNTOLD)]  # and where they end
        self.videos: list[int] = []  # numbers of tracks
        self.known: set[int] = set()
        self.blocks: list[tuple[int, int]] = []  # track and place
        self._entry = [0, 0]  # number and type of the track that is described

    def closes(self, place: int) -> bool:
        """Close what ends here; whether all of that ends where it should."""
        while place >= self.parents[-1][1]:
            if place > self.parents.pop()[1]:
                return False
        return True

    def fits(self, identifier: int, ends: int) -> bool:
        """Whether an element may stand here; one without an end gives way to what cannot be in it."""
        while self.parents[-1][1] == _UNTOLD and len(self.parents) > 1 and not self._belongs(identifier):
            self.parents.pop()
        return self._belongs(identifier) and (ends == _UNTOLD or ends <= self.parents[-1][1])

    def read(self, identifier: int, content: bytes, place: int) -> None:
        """Take note of an element that has no others in it."""
        if identifier in (_NUMBER, _TYPE):
            self._entry[identifier == _TYPE] = int.from_bytes(content)
            if all(self._entry):
                self.known.add(self._entry[0])
                self.videos += [self._entry[0]] if self._entry[1] == 1 else []
                self._entry = [0, 0]
        elif identifier in _BLOCKS:
            self.blocks.append((_value(content)[0] if content else 0, place))

    def frames(self, picture: int) -> list[int] | None:
        """The places of the blocks of a track; where there is one only, of all blocks."""
        if picture >= len(self.videos):
            return None
        alone = len(self.known) == 1
        return [place for track, place in self.blocks if alone or track == self.videos[picture]]

    def sound(self, place: int, size: int) -> bool:
        """Whether all is closed at the end of the file, and all blocks are of tracks that there are."""
        ended = place == size and all(end in (_UNTOLD, size) for _, end in self.parents)
        return ended and (len(self.known) == 1 or all(track in self.known for track, _ in self.blocks))

    def _belongs(self, identifier: int) -> bool:
        return identifier in _INSIDE.get(self.parents[-1][0], {identifier})


def _matroska(found: Structure, picture: int) -> Walk:
    """An element is an identifier, the size of its content, and that (RFC 8794)."""
    place, elements = 0, _Elements()
    while head := (yield place, 20):
        width = _width(head)
        identifier, head = int.from_bytes(head[:width]), head[width:]
        if not head or len(head) < _width(head):
            return
        size, length = _value(head)
        begins = place + width + length
        untold = size == (1 << 7 * length) - 1
        ends = _UNTOLD if untold else begins + size
        if not elements.fits(identifier, ends) or (untold and identifier not in _ENTERED):
            return
        if identifier in _ENTERED:
            elements.parents.append((identifier, ends))
            place = begins
        else:
            elements.read(identifier, head[length : length + min(size, 8)], begins)
            place = ends
        if not elements.closes(place):
            return
    found.frames = elements.frames(picture)
    found.sound = elements.sound(place, found.size)


def _value(head: bytes) -> tuple[int, int]:
    """A number whose first byte says how long it is, and how many bytes it has."""
    width = _width(head)
    return int.from_bytes(head[:width]) & ~(1 << 7 * width), width


def _width(head: bytes) -> int:
    """Bytes of the number that comes first: the leading zeros of its first byte count those that follow."""
    return 9 - int.from_bytes(head[:1]).bit_length()


_FLV_TAGS = {8, 9, 18}  # sound, pictures, data


def _flv(found: Structure, _picture: int) -> Walk:
    """Tags, each with its length in front and behind."""
    place = int.from_bytes((yield 5, 4)) + 4
    found.frames = []
    while True:
        head = yield place, 13
        if not head:
            break
        size = int.from_bytes(head[1:4])
        if (
            len(head) < 13
            or head[0] & 0x1F not in _FLV_TAGS
            or (yield place + 11 + size, 4) != (11 + size).to_bytes(4)
        ):
            return
        if head[0] & 0x1F == 9 and size > 1 and not _is_flv_header(head[11:13]):
            found.frames.append(place)
        place += 15 + size
    found.sound = place == found.size


def _is_flv_header(head: bytes) -> bool:
    """Whether a tag of video tells only how it is coded, or that it ends."""
    extended, codec = head[0] & 0x80, head[0] & 0x0F
    return codec not in (1, 3) if extended else codec in (7, 12) and head[1] != 1


def _gif(found: Structure, _picture: int) -> Walk:
    """Pictures and extensions, each in blocks, and an end."""
    found.frames, place = [], 13
    place += _colours((yield 10, 1))
    while True:
        kind = yield place, 1
        if kind == b";":
            found.sound = True
            return
        if kind == b",":
            found.frames.append(place)
            place += 11 + _colours((yield place + 9, 1))
        elif kind == b"!":
            place += 2
        else:
            return
        while (length := (yield place, 1)) != b"\0":
            if not length:
                return
            place += 1 + length[0]
        place += 1


def _colours(flags: bytes) -> int:
    """Bytes of the table of colours that flags tell of."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _apng(found: Structure, _picture: int) -> Walk:
    """Chunks with a length in front, of which one says how many frames there are."""
    place = 8
    while True:
        head = yield place, 12
        if len(head) < 12:
            return
        if head[4:8] == b"IEND":
            found.sound = True
            return
        if head[4:8] == b"acTL":
            found.count = int.from_bytes(head[8:])
        place += 12 + int.from_bytes(head[:4])


def _mov(found: Structure, _picture: int) -> Walk:
    """Boxes with their length in front."""
    place = 0
    while True:
        head = yield place, 16
        if not head:
            break
        size = int.from_bytes(head[:4])
        if size == 1:
            size = int.from_bytes(head[8:])
        elif size == 0:  # to the end of the file
            found.sound = True
            return
        if size < 8 or not all(32 <= byte < 127 or byte == 0xA9 for byte in head[4:8]):
            return
        place += size
    found.sound = place == found.size


def _riff(found: Structure, _picture: int) -> Walk:
    """Parts of up to a gigabyte, with their length in front."""
    place = 0
    while True:
        head = yield place, 8
        if head[:4] != b"RIFF":
            break
        size = int.from_bytes(head[4:], "little")
        if not size:  # as nobody filled it in: a recording that was stored as it came
            found.sound = True
            return
        place += 8 + size + size % 2
    found.sound = 0 < place <= found.size + 1  # other things may stand behind


_TS_PIECE = 4096  # packets that are looked at together


def _mpegts(found: Structure, _picture: int) -> Walk:
    """Packets of 188 bytes, with a time in front on Blu-ray, whose counters tell of gaps.

    Where recordings are joined counters jump, too, but a new frame begins there; in a gap it mostly does not.
    """
    begin = yield 0, 1200
    length, place = next(
        ((step, at) for step in (188, 192, 204) for at in range(step) if begin[at::step][:4] == b"GGGG"),
        (0, 0),
    )
    counters = dict[int, int]()
    while length and (data := (yield place, _TS_PIECE * length)):
        whole = data[: len(data) // length * length]
        packets = np.frombuffer(whole, np.uint8).reshape(-1, length)
        if len(data) % length not in (0, 188 % length) or (packets[:, 0] != ord("G")).any():
            return
        if (packets[:, 1] & 0x80).any() or _has_gaps(packets, counters):
            return
        place += len(data)
    found.sound = length > 0


def _has_gaps(packets: "NDArray[np.uint8]", counters: dict[int, int]) -> bool:
    """Whether counters skip in the middle of a frame; `counters` holds the last one of each stream."""
    streams = (packets[:, 1].astype(int) & 0x1F) << 8 | packets[:, 2]
    counted, begins = packets[:, 3] & 0x10 > 0, packets[:, 1] & 0x40 > 0
    for stream in np.unique(streams[counted]):
        chosen = counted & (streams == stream)
        numbers = packets[chosen, 3].astype(int) & 0x0F
        before = np.concatenate([[counters.get(stream, numbers[0] - 1)], numbers[:-1]])
        counters[stream] = int(numbers[-1])
        steps = (numbers - before) & 0x0F
        if stream != _STUFFING and ((steps > 1) & ~begins[chosen]).any():
            return True
    return False


_STUFFING = 0x1FFF  # the number of packets that only fill


_WALKS: "dict[str, Callable[[Structure, int], Walk]]" = {
    "matroska": _matroska, "flv": _flv, "gif": _gif, "apng": _apng, "mov": _mov, "avi": _riff,
    "mpegts": _mpegts,
}  # fmt: skip
