"""MP4 and MOV (ISO/IEC 14496-12): boxes, each with its length and its type."""

from collections.abc import Generator, Iterable
from fractions import Fraction

from ...iso_boxes import Box, split_boxes
from .structure import ContainerStructure, Requests

_MAX_DESCRIPTION = 1 << 26
"""Bytes of the description of a fragment, with room for millions of frames."""
_FRAGMENT_BOXES = {
    b"trun", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"senc", b"sdtp", b"uuid",
    b"meta", b"free", b"skip",
}  # fmt: skip
"""The boxes of a track in a fragment, beside its number and time (ISO/IEC 14496-12). `uuid` holds those of
other programs."""


def parse_mov(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse the boxes at the top of an MP4 or MOV file, and those that describe tracks and fragments.

    From the first fragment on, media data without a description before them are of a fragment that is lost.
    """
    offset, previous, has_fragments, times = 0, b"", False, dict[int, int]()
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
        if kind == b"moov":
            structure.track_ends = yield from _parse_tracks(offset + 8, offset + size)
            times = dict.fromkeys(structure.track_ends, 0)
        if kind == b"moof":
            has_fragments = True
            if size > _MAX_DESCRIPTION or not _is_intact_fragment((yield offset + 8, size - 8), times):
                return
        offset, previous = offset + size, kind
    structure.intact = offset == structure.size


def _parse_tracks(offset: int, end: int) -> Generator[tuple[int, int], bytes, dict[int, Fraction]]:
    """Parse the boxes of `moov`, from `offset` to `end`. Return the duration of each track by its number.

    It is what the edit list shows, and 0 if it is unknown.
    """
    tracks, ticks = dict[int, Fraction](), 1
    while offset < end:
        header = yield offset, 44
        size, kind = int.from_bytes(header[:4]), header[4:8]
        # Version 1 has longer times.
        begin, width = (28, 8) if header[8:9] == b"\1" else (20, 4)
        if kind == b"mvhd":
            ticks = int.from_bytes(header[begin : begin + 4]) or 1
        if kind == b"tkhd":
            duration = header[begin + 8 : begin + 8 + width]
            is_known = duration != b"\xff" * width
            tracks[int.from_bytes(header[begin : begin + 4])] = Fraction(
                is_known * int.from_bytes(duration), ticks
            )
        if size < 8:
            break
        offset += 8 if kind == b"trak" else size
    return tracks


def _is_intact_fragment(boxes: bytes, times: dict[int, int]) -> bool:
    """Whether the description of a fragment has known tracks, whose tables are as long as they say.

    `times` holds the time of each track's preceding fragment, after which this one must come, by the number
    of the track; it is updated.
    """
    tracks = [
        split_boxes(box.content) for box in split_boxes(boxes) if box.kind == b"traf" and box.is_complete
    ]
    return bool(tracks) and all(_is_intact_track(track, times) for track in tracks)


def _is_intact_track(boxes: Iterable[Box], times: dict[int, int]) -> bool:
    track = 0
    for kind, content, is_complete in boxes:
        if not is_complete:
            return False
        if kind == b"tfhd":
            track = int.from_bytes(content[4:8])
            if times and track not in times:
                return False
        elif kind == b"tfdt":
            time = int.from_bytes(content[4:])
            if time < times.get(track, 0):
                return False
            times[track] = time
        elif kind not in _FRAGMENT_BOXES or (kind == b"trun" and not _is_intact_run(content)):
            return False
    return True


def _is_intact_run(content: bytes) -> bool:
    """Whether a track run (ISO/IEC 14496-12, 8.8.8) has the length that its flags and sample count imply."""
    flags, count = int.from_bytes(content[1:4]), int.from_bytes(content[4:8])
    header = 8 + 4 * bool(flags & 0x001) + 4 * bool(flags & 0x004)
    return len(content) == header + 4 * count * (flags >> 8 & 0xF).bit_count()
