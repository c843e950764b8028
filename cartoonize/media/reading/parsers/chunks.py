"""Containers of chunks that state their length: FLV, GIF, APNG, MP4 and MOV, AVI."""

from .structure import ContainerStructure, Requests

_FLV_TAG_TYPES = {8, 9, 18}  # audio, video, script data
_FLV_VIDEO = 9
_FRAGMENT_BOXES = {
    b"tfhd", b"tfdt", b"trun", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"senc", b"sdtp", b"uuid",
    b"meta", b"free", b"skip",
}  # fmt: skip
"""The boxes of a track in a fragment, ISO/IEC 14496-12; `uuid` holds those of other programs."""


def parse_flv(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse tags; the length of a tag is stored both before and after it."""
    offset = int.from_bytes((yield 5, 4)) + 4
    structure.frame_offsets = []
    while header := (yield offset, 13):
        size = int.from_bytes(header[1:4])
        tag_type = header[0] & 0x1F
        if len(header) < 13 or tag_type not in _FLV_TAG_TYPES:
            return
        if (yield offset + 11 + size, 4) != (11 + size).to_bytes(4):
            return
        if tag_type == _FLV_VIDEO and size > 1 and not _is_flv_configuration(header[11:13]):
            structure.frame_offsets.append(offset)
        offset += 15 + size
    structure.intact = offset == structure.size


def _is_flv_configuration(header: bytes) -> bool:
    """Whether a video tag holds no frame: only the decoder configuration, or the end of the sequence."""
    is_extended, codec = header[0] & 0x80, header[0] & 0x0F
    return codec not in (1, 3) if is_extended else codec in (7, 12) and header[1] != 1


def parse_gif(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse images and extensions, each of them in sub-blocks, up to the trailer."""
    structure.frame_offsets, offset = [], 13
    offset += _gif_colour_table_size((yield 10, 1))
    while True:
        introducer = yield offset, 1
        if introducer == b";":
            structure.intact = True
            return
        if introducer == b",":
            structure.frame_offsets.append(offset)
            offset += 11 + _gif_colour_table_size((yield offset + 9, 1))
        elif introducer == b"!":
            offset += 2
        else:
            return
        while (length := (yield offset, 1)) != b"\0":
            if not length:
                return
            offset += 1 + length[0]
        offset += 1


def _gif_colour_table_size(flags: bytes) -> int:
    """The bytes of the colour table that a byte of flags announces."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


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


def parse_mov(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse the boxes at the top of an MP4 or MOV file, and those that describe a fragment.

    From the first fragment on, media data without a description before them are of a fragment that is lost.
    """
    offset, previous, has_fragments = 0, b"", False
    while header := (yield offset, 16):
        size, kind = int.from_bytes(header[:4]), header[4:8]
        if not all(32 <= byte < 127 or byte == 0xA9 for byte in kind):
            return
        if size == 1:
            size = int.from_bytes(header[8:])
        elif size == 0:  # to the end of the file
            structure.intact = True
            return
        if size < 8 or (kind == b"mdat" and has_fragments and previous != b"moof"):
            return
        if kind == b"moof":
            has_fragments = True
            if not _is_intact_fragment((yield offset + 8, size - 8)):
                return
        offset, previous = offset + size, kind
    structure.intact = offset == structure.size


def _is_intact_fragment(boxes: bytes) -> bool:
    """Whether the description of a fragment has tracks whose tables are as long as they say."""
    tracks = [content for kind, content in _split_boxes(boxes) if kind == b"traf"]
    runs = [box for track in tracks for box in _split_boxes(track)]
    return bool(tracks) and all(
        kind in _FRAGMENT_BOXES and (kind != b"trun" or _is_intact_run(content)) for kind, content in runs
    )


def _is_intact_run(content: bytes) -> bool:
    """Whether a track run (ISO/IEC 14496-12, 8.8.8) has the length that its flags and sample count imply."""
    flags, count = int.from_bytes(content[1:4]), int.from_bytes(content[4:8])
    header = 8 + 4 * bool(flags & 0x001) + 4 * bool(flags & 0x004)
    return len(content) == header + 4 * count * (flags >> 8 & 0xF).bit_count()


def _split_boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """The type and the content of each box; a broken one has an empty type and ends the list."""
    boxes, offset = list[tuple[bytes, bytes]](), 0
    while offset < len(data):
        size = int.from_bytes(data[offset : offset + 4])
        if not 8 <= size <= len(data) - offset:
            return [*boxes, (b"", b"")]
        boxes.append((data[offset + 4 : offset + 8], data[offset + 8 : offset + size]))
        offset += size
    return boxes


def parse_avi(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse the RIFF chunks, of up to a gigabyte each."""
    offset = 0
    while True:
        header = yield offset, 8
        if header[:4] != b"RIFF":
            break
        size = int.from_bytes(header[4:], "little")
        if not size:  # a recording that was stored as it came, whose size was never filled in
            structure.intact = True
            return
        offset += 8 + size + size % 2
    structure.intact = 0 < offset <= structure.size + 1  # other data may follow
