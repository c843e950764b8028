"""MPEG transport streams (ISO/IEC 13818-1), whose packets carry continuity counters."""

import numpy as np
from numpy.typing import NDArray

from .structure import ContainerStructure, Requests

_PACKETS_AT_ONCE = 4096
_PACKET_SIZES = (188, 192, 204)  # plain; preceded by a time, as on Blu-ray; followed by error correction
_TABLE_HEADERS = (b"G\x40\x00", b"G\x40\x11")  # of the packets of PAT and SDT
_NULL_PID = 0x1FFF  # of packets that only fill the rate


def parse_mpegts(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse packets, and look for gaps in their continuity counters.

    Counters also jump where recordings were joined. There a new frame begins, which in a gap is rarely so.
    """
    packet_size, offset = find_packets((yield 0, 1200))
    counters = dict[int, int]()
    while packet_size and (data := (yield offset, _PACKETS_AT_ONCE * packet_size)):
        complete = data[: len(data) // packet_size * packet_size]
        packets = np.frombuffer(complete, np.uint8).reshape(-1, packet_size)
        if len(data) % packet_size not in (0, 188 % packet_size) or (packets[:, 0] != ord("G")).any():
            return
        has_errors = (packets[:, 1] & 0x80).any()  # transport_error_indicator
        if has_errors or _has_gaps(packets, counters):
            return
        offset += len(data)
    structure.intact = packet_size > 0


def find_packets(begin: bytes) -> tuple[int, int]:
    """The size of the packets and the offset of the first sync byte; (0, 0) if there are none or the first
    one is cut."""
    packet_size, offset = next(
        (
            (size, offset)
            for size in _PACKET_SIZES
            for offset in range(size)
            if begin[offset::size][:4] == b"GGGG"
        ),
        (0, 0),
    )
    # Recordings begin within a packet, too, but not with the header of a table's packet.
    is_first_cut = offset > 0 and begin[:3] in _TABLE_HEADERS
    return (0, 0) if is_first_cut else (packet_size, offset)


def _has_gaps(packets: "NDArray[np.uint8]", counters: dict[int, int]) -> bool:
    """Whether a counter skips within a frame. `counters` holds the last counter of each PID."""
    pids = (packets[:, 1].astype(int) & 0x1F) << 8 | packets[:, 2]
    has_payload, begins_unit = packets[:, 3] & 0x10 > 0, packets[:, 1] & 0x40 > 0
    for pid in np.unique(pids[has_payload]):
        chosen = has_payload & (pids == pid)
        current = packets[chosen, 3].astype(int) & 0x0F
        previous = np.concatenate([[counters.get(pid, current[0] - 1)], current[:-1]])
        counters[pid] = int(current[-1])
        steps = (current - previous) & 0x0F
        if pid != _NULL_PID and ((steps > 1) & ~begins_unit[chosen]).any():
            return True
    return False
