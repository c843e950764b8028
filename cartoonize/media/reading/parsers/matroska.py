"""Matroska and WebM (RFC 9559), which consist of nested EBML elements (RFC 8794)."""

from array import array

from ...ebml import CHECKSUM, SEGMENT, TRACK_ENTRY, TRACK_TYPE, TRACKS, VOID, read_vint, vint_width
from .structure import ContainerStructure, Requests, new_offsets

_CLUSTER, _BLOCK_GROUP, _TRACK_NUMBER, _BLOCKS = 0x1F43B675, 0xA0, 0xD7, (0xA3, 0xA1)
_MASTERS = {SEGMENT, _CLUSTER, TRACKS, TRACK_ENTRY, _BLOCK_GROUP}
"""Elements whose children are parsed."""
_CHILDREN = {  # what may stand in each element; in those that are not listed anything may
    None: {0x1A45DFA3, SEGMENT, VOID, CHECKSUM},
    SEGMENT: {
        0x114D9B74, 0x1549A966, TRACKS, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, _CLUSTER, VOID,
        CHECKSUM,
    },
    _CLUSTER: {0xE7, 0xA3, _BLOCK_GROUP, 0xAB, 0xA7, 0xAF, 0x5854, VOID, CHECKSUM},
    TRACKS: {TRACK_ENTRY, VOID, CHECKSUM},
}  # fmt: skip
_VIDEO = 1  # the type of a track
_MAX_DEPTH = 16  # of elements in elements, as FFmpeg's
_UNKNOWN_END = 1 << 62
"""The end of an element of unknown size."""


def parse_matroska(structure: ContainerStructure, video_index: int) -> Requests:
    """Parse elements; each is an identifier, the size of its content, and the content."""
    offset, elements = 0, _Elements(video_index)
    while header := (yield offset, 20):
        width = vint_width(header[0])
        identifier, header = int.from_bytes(header[:width]), header[width:]
        if not header or len(header) < vint_width(header[0]):
            return
        size, length = read_vint(header)
        content = offset + width + length
        is_unknown = size == (1 << 7 * length) - 1
        end = _UNKNOWN_END if is_unknown else content + size
        if not elements.accept(identifier, end) or (is_unknown and identifier not in _MASTERS):
            return
        if identifier in _MASTERS:
            elements.open_elements.append((identifier, end))
            offset = content
        else:
            elements.read(identifier, header[length : length + min(size, 8)], content)
            offset = end
        if not elements.close_at(offset):
            return
    structure.frame_offsets = elements.frame_offsets
    structure.intact = elements.is_intact(offset, structure.size)


class _Elements:
    """The elements that are open at the current offset, and the tracks and blocks read so far.

    `frame_offsets` are those of the blocks of the video track with the number `video_index`, or of all blocks
    if the file has one track only; None if there is no such track.
    """

    def __init__(self, video_index: int) -> None:
        self.open_elements: list[tuple[int | None, int]] = [(None, _UNKNOWN_END)]  # identifier and end
        self._tracks: set[int] = set()  # track numbers
        self._video_index, self._video_tracks = video_index, 0
        self._video_track: int | None = None
        self._are_tracks_known = True  # those of all blocks
        self.frame_offsets: array[int] | None = None
        self._track_entry = [0, 0]  # number and type of the track entry that is being read

    def accept(self, identifier: int, end: int) -> bool:
        """Whether an element may stand here. An element of unknown size ends where one cannot be in it."""
        while self._parent_end() == _UNKNOWN_END and len(self.open_elements) > 1:
            if self._is_child(identifier):
                break
            self.open_elements.pop()
        if len(self.open_elements) > _MAX_DEPTH:
            return False
        return self._is_child(identifier) and (end == _UNKNOWN_END or end <= self._parent_end())

    def read(self, identifier: int, content: bytes, offset: int) -> None:
        """Read an element without children."""
        if identifier in (_TRACK_NUMBER, TRACK_TYPE):
            self._track_entry[identifier == TRACK_TYPE] = int.from_bytes(content)
            number, track_type = self._track_entry
            if number and track_type:
                self._add_track(number, is_video=track_type == _VIDEO)
        elif identifier in _BLOCKS:
            self._add_block(read_vint(content)[0] if content else 0, offset)

    def _add_track(self, number: int, *, is_video: bool) -> None:
        self._tracks.add(number)
        if is_video and self._video_tracks == self._video_index:
            self._video_track, self.frame_offsets = number, new_offsets()
        self._video_tracks += is_video
        self._track_entry = [0, 0]

    def _add_block(self, track: int, offset: int) -> None:
        is_only_track = len(self._tracks) == 1
        self._are_tracks_known &= is_only_track or track in self._tracks
        if self.frame_offsets is not None and (is_only_track or track == self._video_track):
            self.frame_offsets.append(offset)

    def close_at(self, offset: int) -> bool:
        """Close the elements that end here; false if one of them should have ended before."""
        while offset >= self._parent_end():
            if offset > self.open_elements.pop()[1]:
                return False
        return True

    def is_intact(self, offset: int, size: int) -> bool:
        """Whether all elements end with the file, and all blocks belong to tracks that are declared."""
        ends_with_file = offset == size and all(end in (_UNKNOWN_END, size) for _, end in self.open_elements)
        return ends_with_file and self._are_tracks_known

    def _parent_end(self) -> int:
        return self.open_elements[-1][1]

    def _is_child(self, identifier: int) -> bool:
        return identifier in _CHILDREN.get(self.open_elements[-1][0], {identifier})
