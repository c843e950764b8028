"""Every packet of the picture is accounted for: by a frame that came out, or as missing.

Decoders pass over packets without a word, the more the more threads they have, and demuxers over parts of a
file. So each packet gets a number that its frame bears, and what the container says of its frames is compared
with the packets that came.
"""

import math
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from itertools import chain
from typing import Any, BinaryIO, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from ..damage import Damage
from ..remote import Location
from .container_walk import PassingWalk, Structure, walk_file, walk_open_file, walker

INTRA = {
    "mjpeg", "png", "apng", "gif", "prores", "dnxhd", "ffv1", "rawvideo", "dvvideo", "qtrle", "huffyuv",
    "ffvhuff", "utvideo", "cfhd", "webp",
}  # fmt: skip
"""Codecs whose frames all stand alone."""
_ONE_FRAME = INTRA | {
    "h264", "hevc", "vvc", "av1", "vp9", "vp8", "mpeg4", "mpeg2video", "mpeg1video", "flv1", "h263",
    "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "theora",
}  # fmt: skip
"""Codecs of which each packet makes a frame, but for what `_is_shown` knows. Of others only errors tell."""
_NOT_CODED = 20
"""Bytes of a packet of MPEG-4 below which it says that the frame before stays; decoders give nothing."""
_KEPT = 64 << 20
"""Bytes of packets that are kept to be decoded once more, at most."""
_REORDERED = 64
"""Packets after which a frame that has not come out never will; no codec holds back more than 16."""


class FrameAccount:
    """Matches the frames of a stream to its packets; `damage` gets what is missing when that is certain.

    It is when a frame of a later time has come out, or at the end. The frames beside the first keyframe that
    refer to what was before it are not missed; nor, in what begins `anywhere`, packets before the first
    keyframe. `codec` is FFmpeg's name of the format.
    """

    def __init__(self, codec: str, damage: Damage, *, anywhere: bool = False) -> None:
        self._codec, self._damage, self._strict = codec, damage, codec in _ONE_FRAME
        self.number = 0  # of the next packet
        self._begun = not anywhere
        self._leading = -math.inf  # the time of the first keyframe, until the second comes
        self.pending: dict[int, float] = {}  # the times of packets of which no frame has come out so far
        self._times: dict[int, int | None] = {}  # of packets, by their numbers
        self._lost: set[int] = set()
        self._made_up = self._errors = self._told = self._keys = 0
        self._numbered = False  # whether the decoder hands on numbers
        self._interlaced: set[int] = set()  # the packets of such frames

    def take(self, packet: "Packet[Any]") -> int:
        """A packet goes into the decoder; in place of its time it gets the number that its frame will bear.

        Decoders hand on times as they are. With what else they hand on (`opaque`) PyAV can wait for ever:
        threads of FFmpeg release it, for which they need the interpreter, which waits for them.
        """
        time = math.nan if packet.pts is None else float(packet.pts)
        self._times[self.number] = packet.pts
        packet.pts = self.number
        if packet.is_keyframe:
            self._leading = -math.inf if self._keys else time
            self._keys, self._begun = self._keys + 1, True
        if self._strict and self._begun and not time < self._leading and _is_shown(self._codec, packet):
            self.pending[self.number] = time
        self.number += 1
        return self.number - 1

    def give(self, frame: av.VideoFrame) -> None:
        """A frame came out; it gets its time back."""
        number = frame.pts
        if number is None or number not in self._times:  # the decoder made it up in place of a missing one
            frame.pts = None
            self._made_up += 1
            self._damage.frames += self._numbered and not frame.is_corrupt
            return
        frame.pts = self._times.pop(number)
        self._begun = self._numbered = True
        self.pending.pop(number, None)
        self._lost.discard(number)  # it came later than it should
        if self._codec == "h264" and frame.interlaced_frame:
            self._interlaced.add(number)
        now = math.nan if frame.pts is None else frame.pts
        for n in [n for n in self._times if n < number - _REORDERED]:
            del self._times[n]
        late = {n for n, time in self.pending.items() if time < now or n < number - _REORDERED}
        self._lost |= late
        for n in late:
            del self.pending[n]
        # Which packets were second fields is known in the end.
        self._tell(0 if self._interlaced else len(self._lost) - self._made_up)

    def fail(self) -> None:
        """The decoder said that there was an error. Where packets are counted, its frame will be missed."""
        self._errors += 1
        if not self._strict:
            self._tell(self._errors)

    def end(self) -> None:
        """All frames have come out."""
        self._lost |= self.pending.keys()
        self.pending.clear()
        counted = self._strict and (self._numbered or not self._made_up)
        lost = len(self._lost - self._second_fields()) - self._made_up
        self._tell(lost if counted else self._errors)

    def _tell(self, missing: int) -> None:
        self._damage.packets += max(missing, 0) - self._told
        self._told = max(missing, 0)

    def _second_fields(self) -> set[int]:
        """Packets that were the other half of the frame before: so all of them are, or none."""
        second = {number for number in self._lost if number - 1 in self._interlaced}
        return second if len(second) > len(self._interlaced) / 2 else set()


def _is_shown(codec: str, packet: "Packet[Any]") -> bool:
    """Whether a packet is to make a frame, by the little of it that tells."""
    if not packet.size or packet.is_discard:
        return False
    head = bytes(memoryview(packet)[:1])[0]
    if codec == "vp8":
        first = int.from_bytes(bytes(memoryview(packet)[:3]), "little") >> 5  # bytes of a part of it
        return bool(head & 0x10) or not 0 < first < packet.size  # show_frame (RFC 6386, 9.1), or damage
    return codec != "mpeg4" or packet.size >= _NOT_CODED


class FrameDecoder:
    """Decodes the packets of a picture; what does not come out of one is counted in `damage`.

    Threads that decode a frame each lose what is behind an error in the last packets. So the packets of the
    last groups of pictures are kept, and what is missing in the end is decoded once more, by one thread.
    `codec` is FFmpeg's name of the format.
    """

    def __init__(
        self, context: av.VideoCodecContext, codec: str, damage: Damage, *, anywhere: bool = False
    ) -> None:
        self._context, self._damage = context, damage
        self._account = FrameAccount(codec, damage, anywhere=anywhere)
        self._groups: deque[list[tuple[int, Packet[Any]]]] = deque()
        self._bytes = 0

    def decode(self, packet: "Packet[Any]") -> Iterator[av.VideoFrame]:
        """The frames that come out as the next packet goes in."""
        self._keep(self._account.take(packet), packet)
        yield from self._given(self._decoded(packet))

    def end(self) -> Iterator[av.VideoFrame]:
        """The frames that are left."""
        yield from self._given(self._decoded(None))
        missing = set(self._account.pending)
        if missing and self._groups and self._groups[0][0][0] <= min(missing):
            yield from self._given(self._once_more(missing))
        self._account.end()

    def _decoded(self, packet: "Packet[Any] | None") -> list[av.VideoFrame]:
        try:
            return self._context.decode(packet)
        except av.error.FFmpegError:  # whatever a decoder says, it is of the data
            self._account.fail()
            return []

    def _given(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        for frame in frames:
            self._account.give(frame)
            self._damage.frames += frame.is_corrupt
            yield frame

    def _once_more(self, missing: set[int]) -> Iterator[av.VideoFrame]:
        alone = self._alone()
        for _, packet in chain(*self._groups, [(0, None)]):
            with suppress(av.error.FFmpegError):
                for frame in alone.decode(packet):
                    if frame.pts in missing:
                        missing.remove(frame.pts)
                        yield frame

    def _alone(self) -> av.VideoCodecContext:
        """The same decoder with one thread. Flushed, the first one can wait for its own threads for ever."""
        alone = cast("av.VideoCodecContext", av.CodecContext.create(self._context.codec, "r"))
        alone.thread_count, alone.extradata = 1, self._context.extradata
        alone.width, alone.height = self._context.width, self._context.height
        alone.options.update(self._context.options)
        return alone

    def _keep(self, number: int, packet: "Packet[Any]") -> None:
        """Keep the groups that hold what has not come out, and the one before, to which those may refer."""
        if packet.is_keyframe or not self._groups:
            self._groups.append([])
        self._groups[-1].append((number, packet))
        self._bytes += packet.size
        oldest = min(self._account.pending, default=self._account.number)
        while len(self._groups) > 2 and (self._groups[2][0][0] <= oldest or self._bytes > _KEPT):
            self._bytes -= sum(dropped.size for _, dropped in self._groups.popleft())
        if self._bytes > _KEPT:
            self._groups.clear()
            self._bytes = 0


BEGIN_ANYWHERE = {"mpegts", "mpeg", "h264", "hevc", "mpegvideo"}
"""Containers, by FFmpeg's name, of recordings that begin where somebody pressed the button."""


class ContainerAccount:
    """Watches the packets of a container go by, and tells in the end what of it is missing.

    `passing` is given where the file can be read only once. Of containers that neither list their frames nor
    are built so that gaps show, nothing is known: what their headers say of lengths is often an estimate.
    """

    def __init__(
        self, path: Location, container: InputContainer, picture: Stream, passing: "Passing | None" = None
    ) -> None:
        self._path, self._kind, self._stream = path, container.format.name, picture
        self._passing, self._walk = passing, walker(self._kind)
        self._picture = _place(container, picture)
        self._indexed = self._sizes() if self._kind == "avi" else 0
        self._seen, self._first, self._first_dts = 0, 0, -math.inf
        self._ends = 0

    def see(self, packet: "Packet[Any]") -> None:
        """Take note of a packet of the picture."""
        if not self._seen:
            self._first = packet.pos or 0
            self._first_dts = -math.inf if packet.dts is None else packet.dts
        self._seen += 1
        self._ends = max(self._ends, (packet.pos or 0) + packet.size)

    def settle(self, damage: Damage) -> None:
        """Note in `damage` what did not come, in the end; of a file that is gone by then, nothing."""
        try:
            found, size = self._structure(), self._size()
        except FileNotFoundError:
            return
        expected = self._expected(found)
        if expected is not None and expected > self._seen:
            damage.packets += expected - self._seen
        if self._kind == "yuv4mpegpipe":
            damage.container |= size > self._ends
        elif found is not None and not found.sound:
            damage.container = True

    def _expected(self, found: Structure | None) -> int | None:
        """How many packets there should have been since the first that was seen."""
        if self._kind.startswith("mov"):
            entries = self._stream.index_entries
            return sum(entries[n].timestamp >= self._first_dts for n in range(len(entries)))
        if self._kind == "avi":
            return self._indexed if self._first_dts <= 0 else None
        if found is None:
            return None
        if found.frames is not None:
            return sum(place >= self._first - _HEAD for place in found.frames)
        return found.count if self._first_dts <= 0 else None

    def _sizes(self) -> int:
        """The frames of an AVI file's index; empty ones stand for the frame before."""
        entries = self._stream.index_entries
        return sum(entries[n].size > 0 for n in range(len(entries)))

    def _structure(self) -> Structure | None:
        if self._passing is not None:
            return self._passing.ended()
        return walk_file(self._path, self._walk, self._picture) if self._walk else None

    def _size(self) -> int:
        return self._passing.size if self._passing is not None else self._path.stat().st_size


_PIECE = 1 << 16
_HEAD = 16
"""Bytes between where a frame begins in a container and where FFmpeg says that its packet does, at most."""


class Passing:
    """Standard input, for FFmpeg; what the container tells is noted as it passes.

    `size` is how many bytes there were so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.size = file, 0
        self.begin = bytearray()  # kept until it is known what it is
        self._known, self._walk = False, cast("PassingWalk | None", None)

    def read(self, length: int) -> bytes:
        """The next bytes, as many as there are, `length` at most."""
        data = self._file.read1(length) if isinstance(self._file, BufferedReader) else self._file.read(length)
        self.size += len(data)
        if self._walk is not None:
            self._walk.see(data)
        elif not self._known:
            self.begin += data
        return data

    def watch(self, container: InputContainer, picture: Stream) -> None:
        """Say what it is, and which of its streams is the picture."""
        walk = walker(container.format.name)
        self._walk, self._known = PassingWalk(walk, _place(container, picture)) if walk else None, True
        if self._walk is not None:
            self._walk.see(bytes(self.begin))
        self.begin.clear()

    def ended(self) -> Structure | None:
        """What was found, at the end."""
        while self.read(_PIECE):  # FFmpeg does not read what stands behind the last frame
            pass
        if self._walk is None:
            return None
        self._walk.end()
        return self._walk.found


class Redirected(Passing):
    """Standard input that is a file, in which FFmpeg can go to and fro."""

    def read(self, length: int) -> bytes:
        """As of a file."""
        return self._file.read(length)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """As of a file."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """As of a file."""
        return self._file.tell()

    def watch(self, container: InputContainer, picture: Stream) -> None:
        """Say what it is, and which of its streams is the picture."""
        self._kind, self._picture = walker(container.format.name), _place(container, picture)

    def ended(self) -> Structure | None:
        """What was found, at the end."""
        self.size = self._file.seek(0, os.SEEK_END)
        return walk_open_file(self._file, self._kind, self._picture) if self._kind else None


def standard_input() -> Passing:
    """Standard input, for FFmpeg."""
    file = sys.stdin.buffer
    return (Redirected if file.seekable() else Passing)(file)


def _place(container: InputContainer, picture: Stream) -> int:
    return [stream.index for stream in container.streams.video].index(picture.index)
