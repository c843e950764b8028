"""The colour of the picture that an AVIF or HEIC file shows, of all those that it holds.

An SDR photo often has an HDR rendition beside it (by a gain map), whose colour must not be taken for its own.
"""

import struct
from collections.abc import Iterator

from ..iso_boxes import split_boxes

_WIDE_INDEX = 1  # flag of an ipma box: indices of properties have 15 bits, not 7


def primary_colour_boxes(header: bytes) -> bytes:
    """Return the `colr` boxes of the primary picture, from their type on (ISO/IEC 23008-12, 6.5.5).

    Raises:
        LookupError, struct.error: the file is damaged, or is no AVIF or HEIC file.
    """
    meta = _contents(_contents(header)[b"meta"][4:])
    layout = ">4xI" if meta[b"pitm"][0] else ">4xH"  # by the version of the box
    (primary,) = struct.unpack_from(layout, meta[b"pitm"])
    properties = _contents(meta[b"iprp"])
    boxes = list(split_boxes(properties[b"ipco"]))
    # Each once: a malicious file may name a large property thousands of times.
    indices = dict.fromkeys(index for item, index in _associations(properties[b"ipma"]) if item == primary)
    used = [boxes[index - 1] for index in indices if index]
    return b"".join(box.kind + box.content for box in used if box.kind == b"colr")


def _contents(data: bytes) -> dict[bytes, bytes]:
    """The contents of boxes by their type; of several with one type, the last."""
    return {box.kind: box.content for box in split_boxes(data)}


def _associations(ipma: bytes) -> Iterator[tuple[int, int]]:
    """Pairs of an item and the number of one of its properties, from 1; 0 is none (ISO/IEC 23008-12, 9.3)."""
    version, flags, count = struct.unpack_from(">B2xBI", ipma)
    offset = 8
    item_layout = ">IB" if version else ">HB"
    index_layout, mask = (">H", 0x7FFF) if flags & _WIDE_INDEX else (">B", 0x7F)
    for _ in range(count):
        item, properties = struct.unpack_from(item_layout, ipma, offset)
        offset += struct.calcsize(item_layout)
        for _ in range(properties):
            (index,) = struct.unpack_from(index_layout, ipma, offset)
            offset += struct.calcsize(index_layout)
            yield item, index & mask
