"""The file format of segments: parts of a video that are encoded independently, each by a new encoder.

The packets of a segment are stored as the encoder made them, not in a standard container: NUT refuses
negative times and derives dts, Matroska rounds to 1 ms, MPEG-TS to 1/90000 s, and MP4 cannot be read without
the index at its end. But the finished file must have the times of one that was written in one go, to the
tick.

    packets         one after another
    description     a Segment, in JSON
    length of the description, checksum of all before (4 bytes each)
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO, cast, get_args

from av.packet import Packet, PacketSideData, PktSideDataT

from ..segment import FrameMark, Segment

# pts, dts, duration, whether a decoder can start here, number of side data, bytes
_PACKET = struct.Struct("<qqqBBI")
_SIDE = struct.Struct("<II")  # kind and bytes
_NO_TIME = -(1 << 63)  # FFmpeg's AV_NOPTS_VALUE
_NOT_STORED = "quality_stats"  # the encoder's statistics; no container holds them
_MARK_KEYS = FrameMark.__annotations__.keys()
_MAX_DESCRIPTION = 1 << 16  # bytes of a description, which has some hundreds
_LENGTH, _CHECKSUM = struct.Struct("<I"), struct.Struct("<I")


class SegmentWriter:
    """Writes a segment to a file, from its current position."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self._crc = file, 0

    def add(self, packet: "Packet[Any]") -> None:
        """Append a packet."""
        for chunk in _packet_chunks(packet):
            self._write(chunk)

    def end(self, segment: Segment) -> None:
        """Write the description, which ends the segment."""
        description = json.dumps(asdict(segment)).encode()
        self._write(description)
        self._write(_LENGTH.pack(len(description)))
        self.file.write(_CHECKSUM.pack(self._crc))

    def _write(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self._crc = zlib.crc32(chunk, self._crc)


def read_segment(file: BinaryIO) -> Segment:
    """Read the description of a segment, and check every byte of the file.

    Raises:
        ValueError: the file is damaged or incomplete.
    """
    try:
        end = _end_of_packets(file)
        file.seek(end)
        description = file.read()
        _check_crc(file, description[-_CHECKSUM.size :])
        segment = Segment(**json.loads(description[: -_LENGTH.size - _CHECKSUM.size]))
        if not _is_valid(segment) or _count_packets(file, end) != segment.frames:
            raise ValueError("damaged")
    except (struct.error, TypeError, OSError, RecursionError) as error:
        raise ValueError("damaged") from error
    return segment


def read_packets(file: BinaryIO) -> Iterator["Packet[Any]"]:
    """The packets of a segment, without stream and time base."""
    left = _end_of_packets(file)
    file.seek(0)
    while left > 0:
        packet, size = _read_packet(file)
        left -= size
        yield packet


def _end_of_packets(file: BinaryIO) -> int:
    end = file.seek(0, os.SEEK_END) - _LENGTH.size - _CHECKSUM.size
    file.seek(max(end, 0))
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    if length > min(end, _MAX_DESCRIPTION):
        raise ValueError("damaged")
    return int(end - length)


def _is_valid(segment: Segment) -> bool:
    """Whether the types and the order of its values are right; a stranger may have written them."""
    marks = cast("list[dict[str, int]]", [segment.mark, segment.before][: 1 if segment.before is None else 2])
    if not all(isinstance(mark, dict) and mark.keys() == _MARK_KEYS for mark in marks):
        return False
    numbers = [segment.first, segment.frames, segment.begins, segment.last]
    numbers += [number for mark in marks for number in mark.values()]
    return (
        all(type(number) is int and abs(number) < 1 << 63 for number in numbers)
        and segment.first >= 0
        and segment.frames > 0
        and segment.begins <= segment.last
        and all(mark["packets"] >= 0 and mark["frames"] >= 0 for mark in marks)
    )


def _count_packets(file: BinaryIO, end: int) -> int:
    """Count the packets before `end`; each makes a frame."""
    position = count = 0
    while position < end:
        file.seek(position)
        *_, sides, size = _PACKET.unpack(file.read(_PACKET.size))
        position, count = position + _PACKET.size + size, count + 1
        for _ in range(sides):
            file.seek(position)
            kind, length = _SIDE.unpack(file.read(_SIDE.size))
            if kind >= len(get_args(PktSideDataT)):
                raise ValueError("damaged")
            position += _SIDE.size + length
    if position != end:
        raise ValueError("damaged")
    return count


def _check_crc(file: BinaryIO, checksum: bytes) -> None:
    left, crc = file.tell() - _CHECKSUM.size, 0
    file.seek(0)
    while left > 0:
        chunk = file.read(min(left, 1 << 20))
        crc, left = zlib.crc32(chunk, crc), left - len(chunk)
    if _CHECKSUM.pack(crc) != checksum:
        raise ValueError("damaged")


def _packet_chunks(packet: "Packet[Any]") -> Iterator[bytes]:
    side = [data for data in packet.iter_sidedata() if data.data_type != _NOT_STORED]
    times = (_NO_TIME if time is None else time for time in (packet.pts, packet.dts, packet.duration))
    yield _PACKET.pack(*times, packet.is_keyframe, len(side), packet.size)
    yield bytes(packet)
    for data in side:
        yield _SIDE.pack(get_args(PktSideDataT).index(data.data_type), data.data_size)
        yield bytes(data)


def _read_packet(file: BinaryIO) -> "tuple[Packet[Any], int]":
    """The next packet, and the number of bytes that it takes in the file."""
    pts, dts, duration, key, sides, size = _PACKET.unpack(file.read(_PACKET.size))
    packet: Packet[Any] = Packet(file.read(size))
    packet.pts, packet.dts = (None if time == _NO_TIME else time for time in (pts, dts))
    packet.duration, packet.is_keyframe = duration, bool(key)
    read = _PACKET.size + size
    for _ in range(sides):
        kind, length = _SIDE.unpack(file.read(_SIDE.size))
        data = PacketSideData(kind, length)  # type: ignore[call-arg]  # missing from PyAV's stubs
        data.update(file.read(length))
        packet.set_sidedata(data)
        read += _SIDE.size + length
    return packet, read
