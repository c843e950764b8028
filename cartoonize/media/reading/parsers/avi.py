"""AVI (RIFF, with the extensions of OpenDML 1.02): lists of chunks, each with its type and its length.

AMV files are AVI files that state no lengths of lists and no kinds of streams, and end with a mark.
"""

import re
from array import array
from collections import defaultdict

from .structure import ContainerStructure, Requests, new_offsets

_AMV, _AMV_END = b"AMV ", b"AMV_END_"
_NO_END = 1 << 62  # of an AMV file whose mark was not reached yet
_LISTS = {b"AVI ", b"AVIX", _AMV, b"hdrl", b"strl", b"movi", b"rec "}
"""The lists whose chunks are parsed; all other lists are skipped."""
_UNKNOWN_SIZES = {0, 0xFFFFFFFF}  # of a recording that was stored as it came
_COMMON_TYPE = re.compile(rb"\d\d[A-Za-z_]{2}|ix\d\d|LIST|JUNK|RIFF|idx1|AMV_")  # of what follows a packet
_PALETTE = b"pc"  # the end of the type of a chunk that changes the palette


def parse_avi(structure: ContainerStructure, video_index: int) -> Requests:
    """Parse the chunks of all lists, up to the end of the last RIFF; large files have several."""
    chunks = _Chunks()
    offset, riff_end, padding = 0, 0, 0
    while len(header := (yield offset, 13)) > padding:
        if padding and _is_padded(header):
            offset, header = offset + 1, header[1:]
        kind, size, list_kind = header[:4], int.from_bytes(header[4:8], "little"), header[8:12]
        if header[:8] == _AMV_END:
            offset = riff_end = offset + 8
            break
        if not chunks.accept(kind, offset, size):
            if chunks.has_frames and abs(riff_end - offset) <= 1:  # other data follow
                break
            return
        if kind == b"RIFF":
            riff_end = 0 if size in _UNKNOWN_SIZES else offset + 8 + size + size % 2
            riff_end = _NO_END if list_kind == _AMV else riff_end
        if kind in (b"RIFF", b"LIST") and list_kind in _LISTS:
            offset, padding = offset + 12, 0
        else:
            if kind == b"strh":
                chunks.stream_kinds.append(list_kind.strip(b"\0") or b"vids")  # the first of AMV is the video
            offset, padding = offset + 8 + size, size % 2
    structure.frame_offsets = chunks.frame_offsets(video_index)
    structure.intact = offset <= structure.size and riff_end <= structure.size + 1


def _is_padded(header: bytes) -> bool:
    """Whether a byte is between a chunk of odd length and this header; some programs omit it.

    It should be zero, but may have any value, so that it can pass for the begin of a type.
    """
    if _COMMON_TYPE.match(header, 1):
        return True
    return _is_type(header[1:5]) and not _COMMON_TYPE.match(header)


def _is_type(data: bytes) -> bool:
    return len(data) == 4 and data.replace(b" ", b"").replace(b"_", b"").isalnum()


class _Chunks:
    """The streams and the chunks of their packets, as far as they were parsed."""

    def __init__(self) -> None:
        self.stream_kinds: list[bytes] = []  # of each stream: vids, auds, txts
        self._offsets = defaultdict[int, "array[int]"](new_offsets)  # of the packets of each stream

    @property
    def has_frames(self) -> bool:
        """Whether there are packets."""
        return bool(self._offsets)

    def accept(self, kind: bytes, offset: int, size: int) -> bool:
        """Note a chunk; false if there is no such type, or no such stream."""
        if not _is_type(kind):
            return False
        if not kind[:2].isdigit():
            return True
        stream = int(kind[:2])
        if size and kind[2:] != _PALETTE:  # an empty frame repeats the frame before
            self._offsets[stream].append(offset)
        return stream < len(self.stream_kinds)

    def frame_offsets(self, video_index: int) -> "array[int] | None":
        """The offsets of the frames of a video stream; None if the headers do not declare it."""
        videos = [number for number, kind in enumerate(self.stream_kinds) if kind == b"vids"]
        if video_index >= len(videos):
            return None
        return self._offsets[videos[video_index]]
