"""Containers of chunks that state their length: FLV, APNG."""

from .structure import ContainerStructure, Requests, new_offsets

_FLV_TAG_TYPES = {8, 9, 18}  # audio, video, script data
_FLV_VIDEO = 9
_FLV_H264, _FLV_HEVC = 7, 12
_FLV_EMPTY = 5  # bytes of a tag without data


def parse_flv(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse tags; the length of a tag is stored both before and after it."""
    offset = int.from_bytes((yield 5, 4)) + 4
    structure.frame_offsets = new_offsets()
    while header := (yield offset, 17):
        size = int.from_bytes(header[1:4])
        tag_type = header[0] & 0x1F
        if len(header) < 13 or tag_type not in _FLV_TAG_TYPES:
            return
        if (yield offset + 11 + size, 4) != (11 + size).to_bytes(4):
            return
        if tag_type == _FLV_VIDEO and not _is_flv_configuration(header[11 : 11 + size]):
            structure.frame_offsets.append(offset)
        offset += 15 + size
    structure.intact = offset == structure.size


def _is_flv_configuration(data: bytes) -> bool:
    """Whether a video tag that begins with these bytes holds no frame.

    Some have the configuration of the decoder, or end the sequence.
    """
    if len(data) < 2:
        return True
    is_extended, codec, kind = data[0] & 0x80, data[0] & 0x0F, data[1]
    if is_extended:
        return codec not in (1, 3)
    if codec == _FLV_H264 and kind == 0:
        return data[5:] == b"\1"  # the version of the configuration; frames begin with their length
    return codec in (_FLV_H264, _FLV_HEVC) and (kind == 0 or len(data) == _FLV_EMPTY)


def parse_apng(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse PNG chunks; acTL declares the number of frames."""
    offset = 8
    while True:
        header = yield offset, 12
        if len(header) < 12:
            return
        if header[4:8] == b"IEND":
            structure.intact = True
            return
        if header[4:8] == b"acTL":
            structure.frame_count = int.from_bytes(header[8:])
        offset += 12 + int.from_bytes(header[:4])
