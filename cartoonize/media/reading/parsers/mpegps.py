"""MPEG program streams (ISO/IEC 11172-1 and 13818-1), as in .mpg and .vob: packets with their lengths."""

from .structure import ContainerStructure, Requests

_PROGRAM_END, _PACK = 0xB9, 0xBA
_START_CODE = b"\0\0\1"
_MAX_STUFFING = 256  # zeros between packets; those of a video CD have 20
_MAX_BEGIN = 1 << 16  # a recording may begin within a packet


def parse_mpegps(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse packets; each has a start code and, except for the headers of packs, its length."""
    begin = yield 0, _MAX_BEGIN
    offset = begin.find(_START_CODE + bytes([_PACK]))
    if begin[:4] == b"RIFF" or offset < 0:  # sectors of a video CD; not a program stream
        structure.intact = True
        return
    while header := (yield offset, 14):
        if header[:3] != _START_CODE:
            stuffing = yield offset, _MAX_STUFFING
            zeros = len(stuffing) - len(stuffing.lstrip(b"\0"))
            if zeros == _MAX_STUFFING or zeros < min(3, len(stuffing)):
                return
            offset += zeros if zeros == len(stuffing) else zeros - 2  # a start code begins with two zeros
            continue
        length = _packet_length(header)
        if length is None:
            return
        offset += length
    structure.intact = offset == structure.size


def _packet_length(header: bytes) -> int | None:
    """The bytes of the packet that begins with `header`; None if there is no such packet."""
    code = header[3] if len(header) > 3 else 0
    if code == _PROGRAM_END:
        return 4
    if code == _PACK and len(header) == 14:
        is_mpeg1 = header[4] >> 4 == 0b0010
        return 12 if is_mpeg1 else 14 + (header[13] & 7)
    length = int.from_bytes(header[4:6])
    return 6 + length if code > _PACK and length else None
