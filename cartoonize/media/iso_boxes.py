"""The boxes of ISO base media files (ISO/IEC 14496-12): MP4, MOV, HEIC and AVIF."""

from collections.abc import Iterator
from typing import NamedTuple


class Box(NamedTuple):
    """A box of a file; one that is cut off, or whose size is impossible, is not complete."""

    kind: bytes
    content: bytes
    is_complete: bool


def split_boxes(data: bytes) -> Iterator[Box]:
    """The boxes that `data` consists of, up to the first that is not complete."""
    offset = 0
    while offset < len(data):
        size = int.from_bytes(data[offset : offset + 4])
        is_complete = 8 <= size <= len(data) - offset
        yield Box(data[offset + 4 : offset + 8], data[offset + 8 : offset + size], is_complete)
        if not is_complete:
            return
        offset += size
