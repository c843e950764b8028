"""The display size in the header of a finished Matroska or WebM file.

FFmpeg writes it by the pixel aspect of the stream, which PyAV cannot set. H.264 and H.265 state the aspect
themselves; for other codecs players would show square pixels. So the header is edited: the bytes for the
display size come from the empty element (Void) that FFmpeg leaves after the list of positions (SeekHead). For
the elements see https://www.rfc-editor.org/rfc/rfc9559, for their encoding
https://www.rfc-editor.org/rfc/rfc8794.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..ebml import CHECKSUM, SEGMENT, TRACK_ENTRY, TRACK_TYPE, TRACKS, VOID, read_vint, vint_width

_SEEK_HEAD, _INFO, _VIDEO = 0x114D9B74, 0x1549A966, 0xE0
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_HEADER_SIZE = 1 << 20  # bytes that are searched for the end of the tracks
_VIDEO_TRACK = b"\x01"


class _Element(NamedTuple):
    id: int
    start: int  # of the element, from the beginning of the data
    payload: bytes

    @property
    def children(self) -> "list[_Element]":
        return list(_read_elements(self.payload))


def set_display_size(path: Path, width: int, height: int) -> bool:
    """State the display size of the first video track, in pixels; False if the header has no room for it.

    Raises:
        OSError: the file cannot be read or written.
    """
    with path.open("r+b") as file:
        data = file.read(_HEADER_SIZE)
        try:
            edited = _edit_header(data, width, height)
        except (IndexError, KeyError, OverflowError, ValueError):  # it is not laid out as FFmpeg does
            return False
        start, header = edited
        file.seek(start)
        file.write(header)
    return True


def _edit_header(data: bytes, width: int, height: int) -> tuple[int, bytes]:
    """The bytes from the list of positions to the end of the tracks, and where they begin."""
    (segment,) = (element for element in _read_elements(data) if element.id == SEGMENT)
    begin = segment.start + _header_length(data, segment.start)
    elements = list(_read_elements(data[begin:], until=TRACKS))
    if [element.id for element in elements] != [_SEEK_HEAD, VOID, _INFO, TRACKS]:
        raise ValueError("other elements")
    seek_head, _, info, tracks = elements
    new_tracks = _edit_tracks(tracks, width, height)
    end = tracks.start + _length(data[begin:], tracks)
    added = len(new_tracks) - (end - tracks.start)
    new_seek_head = _move_positions(seek_head, added)
    # The list of positions keeps its length, as positions keep theirs.
    old_info = data[begin + info.start : begin + tracks.start]
    room = end - seek_head.start - len(new_seek_head) - len(old_info) - len(new_tracks)
    new_void = _write_element(VOID, bytes(room - 9))
    header = new_seek_head + new_void + old_info + new_tracks
    if len(header) != end - seek_head.start:
        raise ValueError("no room")
    return begin + seek_head.start, header


def _edit_tracks(tracks: _Element, width: int, height: int) -> bytes:
    entries, is_done = [], False
    for entry in tracks.children:
        fields = entry.children if entry.id == TRACK_ENTRY else []
        if not is_done and any(f.id == TRACK_TYPE and f.payload == _VIDEO_TRACK for f in fields):
            entries.append((entry.id, _edit_entry(fields, width, height)))
            is_done = True
        else:
            entries.append((entry.id, entry.payload))
    if not is_done:
        raise ValueError("no video")
    return _write_element(TRACKS, _join(entries))


def _edit_entry(fields: list[_Element], width: int, height: int) -> bytes:
    edited = []
    for field in fields:
        payload = field.payload
        if field.id == _VIDEO:
            replaced = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
            kept = [(child.id, child.payload) for child in field.children if child.id not in replaced]
            sides = [(_DISPLAY_WIDTH, width.to_bytes(4)), (_DISPLAY_HEIGHT, height.to_bytes(4))]
            payload = _join([*kept, *sides])
        edited.append((field.id, payload))
    return _join(edited)


def _move_positions(seek_head: _Element, added: int) -> bytes:
    """The list of positions, with those of the elements that move towards the beginning by `added` bytes."""
    entries = []
    for entry in seek_head.children:
        payload = entry.payload
        if entry.id == _SEEK:
            fields = {child.id: child.payload for child in entry.children}
            if int.from_bytes(fields[_SEEK_ID]) in (_INFO, TRACKS):
                position = fields[_SEEK_POSITION]
                fields[_SEEK_POSITION] = (int.from_bytes(position) - added).to_bytes(len(position))
            payload = b"".join(_write_element(kind, field, short=True) for kind, field in fields.items())
        entries.append((entry.id, payload))
    return _write_element(_SEEK_HEAD, _join(entries, short=True), short=True)


def _join(elements: list[tuple[int, bytes]], *, short: bool = False) -> bytes:
    """Elements as the content of another; a checksum in the first place is computed again."""
    written = [_write_element(kind, payload, short=short) for kind, payload in elements]
    if elements and elements[0][0] == CHECKSUM:
        rest = b"".join(written[1:])
        return _write_element(CHECKSUM, zlib.crc32(rest).to_bytes(4, "little"), short=True) + rest
    return b"".join(written)


def _write_element(kind: int, payload: bytes, *, short: bool = False) -> bytes:
    """An element; its size takes one byte if `short`, else one or eight."""
    size = len(payload)
    if short and size >= 0x7F:
        raise ValueError("too large")
    if short or (size < 0x7F and kind != VOID):
        return _id_bytes(kind) + (0x80 | size).to_bytes(1) + payload
    return _id_bytes(kind) + (1 << 56 | size).to_bytes(8) + payload


def _id_bytes(kind: int) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8)


def _read_elements(data: bytes, until: int | None = None) -> Iterator[_Element]:
    """The elements one after another; the last one may be cut short."""
    position = 0
    while position < len(data):
        kind, size, head = _read_head(data, position)
        yield _Element(kind, position, data[position + head : position + head + size])
        if kind == until:
            return
        position += head + size


def _read_head(data: bytes, position: int) -> tuple[int, int, int]:
    """The id of an element, the size of its content, and the length of both together."""
    id_length = vint_width(data[position])
    size, size_length = read_vint(data, position + id_length)
    return int.from_bytes(data[position : position + id_length]), size, id_length + size_length


def _header_length(data: bytes, position: int) -> int:
    return _read_head(data, position)[2]


def _length(data: bytes, element: _Element) -> int:
    _, size, head = _read_head(data, element.start)
    if len(element.payload) != size:
        raise ValueError("the header is longer than what was read")
    return head + size
