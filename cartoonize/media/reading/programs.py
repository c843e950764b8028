"""The programmes of a transport stream, each with its own video, sound and clock (ISO/IEC 13818-1, 2.4.4)."""

from pathlib import Path

from av.container import InputContainer
from av.stream import Stream

from ..remote import Location
from .parsers.mpegts import find_packets

_SEARCHED = 4 << 20
"""Bytes in which the tables are searched; broadcasts repeat them several times a second."""
_PACKET_SIZE, _SYNC = 188, 0x47
_PAT_PID, _PAT_TABLE, _PMT_TABLE = 0, 0x00, 0x02


def program_streams(path: Location, container: InputContainer, video: Stream) -> frozenset[int] | None:
    """The indexes of the streams in the programme of a video stream; None if there is only one programme."""
    if container.format.name != "mpegts" or not isinstance(path, Path) or not path.is_file():
        return None
    with path.open("rb") as file:
        programs = find_programs(file.read(_SEARCHED))
    if len(programs) < 2:
        return None
    pids = next((pids for pids in programs if video.id in pids), None)
    if pids is None:
        return None
    return frozenset(stream.index for stream in container.streams if stream.id in pids)


def find_programs(data: bytes) -> list[set[int]]:
    """The PIDs of the streams of each programme, by the first tables."""
    maps: dict[int, set[int] | None] = {}  # by the PID of the programme's table
    distance, first = find_packets(data)
    for offset in range(first, len(data) - _PACKET_SIZE + 1, distance or _PACKET_SIZE):
        packet = data[offset : offset + _PACKET_SIZE]
        pid = int.from_bytes(packet[1:3]) & 0x1FFF
        if packet[0] != _SYNC or not (pid == _PAT_PID or (pid in maps and maps[pid] is None)):
            continue
        section = _section(packet)
        if pid == _PAT_PID and section[:1] == bytes([_PAT_TABLE]) and not maps:
            maps = dict.fromkeys(_programs_in_pat(section))
        elif pid != _PAT_PID and section[:1] == bytes([_PMT_TABLE]):
            maps[pid] = set(_streams_in_pmt(section))
        if maps and None not in maps.values():
            break
    return [pids for pids in maps.values() if pids]


def _section(packet: bytes) -> bytes:
    """The table that begins in a packet, without its checksum; empty if none begins or it is longer."""
    begins_unit, has_adaptation = packet[1] & 0x40, packet[3] & 0x20
    payload = packet[4 + (1 + packet[4] if has_adaptation else 0) :]
    if not begins_unit or not payload:
        return b""
    section = payload[1 + payload[0] :]
    length = 3 + (int.from_bytes(section[1:3]) & 0x0FFF)
    return section[: length - 4] if len(section) >= length else b""


def _programs_in_pat(section: bytes) -> list[int]:
    entries = [section[offset : offset + 4] for offset in range(8, len(section) - 3, 4)]
    # Programme 0 is the network's own table.
    return [int.from_bytes(entry[2:]) & 0x1FFF for entry in entries if int.from_bytes(entry[:2])]


def _streams_in_pmt(section: bytes) -> list[int]:
    pids, offset = [], 12 + (int.from_bytes(section[10:12]) & 0x0FFF)
    while offset + 5 <= len(section):
        pids.append(int.from_bytes(section[offset + 1 : offset + 3]) & 0x1FFF)
        offset += 5 + (int.from_bytes(section[offset + 3 : offset + 5]) & 0x0FFF)
    return pids
