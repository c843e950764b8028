"""States the display size in the header of a finished Matroska or WebM file.

FFmpeg writes the display size by the pixel aspect of the stream, which PyAV cannot set. H.264 and H.265 state
the aspect themselves; for other codecs players would show square pixels. So the header is edited in place:

    before    SeekHead    Void              Info    Tracks             Cluster ...
    after     SeekHead    Void (shorter)    Info    Tracks (longer)    Cluster ...

Void is the empty space that FFmpeg leaves after SeekHead, the list of the positions of the other elements.
The display size takes its bytes from there, so the clusters stay where they are, and Info and Tracks move
towards the beginning. RFC 9559 describes the elements.
"""

from pathlib import Path

from ..ebml import (
    SEGMENT,
    TRACK_ENTRY,
    TRACK_TYPE,
    TRACKS,
    VOID,
    Element,
    encode_element,
    encode_elements,
    parse_elements,
)

_SEEK_HEAD, _INFO, _VIDEO = 0x114D9B74, 0x1549A966, 0xE0
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_HEADER_SIZE = 1 << 20  # bytes that are searched for the end of the tracks
_VIDEO_TRACK = b"\x01"
_VOID_OVERHEAD = 9  # bytes of a Void without payload: its identifier, and a size of eight bytes


def set_display_size(path: Path, width: int, height: int) -> bool:
    """State the display size of the first video track, in pixels; False if the header has no space for it.

    Raises:
        OSError: the file cannot be read or written.
    """
    with path.open("r+b") as file:
        data = file.read(_HEADER_SIZE)
        try:
            offset, header = _edit_header(data, width, height)
        except (IndexError, KeyError, OverflowError, ValueError):  # it is not laid out as FFmpeg does
            return False
        file.seek(offset)
        file.write(header)
    return True


def _edit_header(data: bytes, width: int, height: int) -> tuple[int, bytes]:
    """Return the offset of SeekHead in `data`, and the new bytes from there to the end of Tracks, as many as
    before."""
    (segment,) = (element for element in parse_elements(data) if element.id == SEGMENT)
    elements = list(parse_elements(segment.payload, until=TRACKS))
    if [element.id for element in elements] != [_SEEK_HEAD, VOID, _INFO, TRACKS]:
        raise ValueError("other elements")
    seek_head, _, info, tracks = elements
    if not tracks.is_complete:
        raise ValueError("the header is longer than what was read")
    new_tracks = _edit_tracks(tracks, width, height)
    growth = len(new_tracks) - (tracks.end - tracks.start)
    new_seek_head = _move_positions(seek_head, growth)
    same_info = segment.payload[info.start : info.end]
    free = tracks.end - seek_head.start - len(new_seek_head) - len(same_info) - len(new_tracks)
    if free < _VOID_OVERHEAD:
        raise ValueError("too little space")
    void = encode_element(VOID, bytes(free - _VOID_OVERHEAD), size_width=8)
    return segment.payload_start + seek_head.start, new_seek_head + void + same_info + new_tracks


def _edit_tracks(tracks: Element, width: int, height: int) -> bytes:
    """Return Tracks with the display size in the entry of the first video track."""
    entries = [(entry.id, entry.payload) for entry in tracks.children]
    number = next((n for n, entry in enumerate(tracks.children) if _is_video_track(entry)), None)
    if number is None:
        raise ValueError("no video")
    entry = tracks.children[number]
    entries[number] = TRACK_ENTRY, _edit_track_entry(entry, width, height)
    return encode_element(TRACKS, encode_elements(entries))


def _is_video_track(entry: Element) -> bool:
    return entry.id == TRACK_ENTRY and any(
        field.id == TRACK_TYPE and field.payload == _VIDEO_TRACK for field in entry.children
    )


def _edit_track_entry(entry: Element, width: int, height: int) -> bytes:
    """Return the payload of a track entry with the display size among its video settings."""
    return encode_elements(
        (field.id, _edit_video_settings(field, width, height) if field.id == _VIDEO else field.payload)
        for field in entry.children
    )


def _edit_video_settings(settings: Element, width: int, height: int) -> bytes:
    replaced = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)  # without a unit the size is in pixels
    kept = [(child.id, child.payload) for child in settings.children if child.id not in replaced]
    size = [(_DISPLAY_WIDTH, width.to_bytes(4)), (_DISPLAY_HEIGHT, height.to_bytes(4))]
    return encode_elements([*kept, *size])


def _move_positions(seek_head: Element, growth: int) -> bytes:
    """Return SeekHead with Info and Tracks `growth` bytes nearer to the beginning."""
    entries = [
        (entry.id, _move_position(entry, growth) if entry.id == _SEEK else entry.payload)
        for entry in seek_head.children
    ]
    return encode_element(_SEEK_HEAD, encode_elements(entries))


def _move_position(seek: Element, growth: int) -> bytes:
    fields = {child.id: child.payload for child in seek.children}
    if int.from_bytes(fields[_SEEK_ID]) in (_INFO, TRACKS):
        position = fields[_SEEK_POSITION]
        fields[_SEEK_POSITION] = (int.from_bytes(position) - growth).to_bytes(len(position))
    return encode_elements(fields.items())
