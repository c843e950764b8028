"""EBML (RFC 8794), the encoding of Matroska and WebM files: integers, elements, some identifiers (RFC 9559).

A file is a sequence of elements. Each has an identifier, the size of its payload, and the payload, which may
be a sequence of elements again.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SEGMENT, TRACKS, TRACK_ENTRY, TRACK_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
VOID, CHECKSUM = 0xEC, 0xBF
_ONE_BYTE_SIZES = 0x7F  # the first size that does not fit into one byte


class Element(NamedTuple):
    """An element of a file, with its offsets in the bytes that it was parsed from.

    The payload is shorter than it should be if those bytes end before `end`.
    """

    id: int
    payload: bytes
    start: int
    payload_start: int
    end: int

    @property
    def is_complete(self) -> bool:
        """Whether the whole payload is there."""
        return len(self.payload) == self.end - self.payload_start

    @property
    def children(self) -> "list[Element]":
        """The elements in the payload."""
        return list(parse_elements(self.payload))


def vint_width(first: int) -> int:
    """The width in bytes, by the first byte: one more than its leading zero bits."""
    return 9 - first.bit_length()


def read_vint(data: bytes, position: int = 0) -> tuple[int, int]:
    """The value of a variable-size integer, and its width in bytes.

    Raises:
        IndexError: there is no byte at the position.
    """
    width = vint_width(data[position])
    return int.from_bytes(data[position : position + width]) & ~(1 << 7 * width), width


def parse_elements(data: bytes, until: int | None = None) -> Iterator[Element]:
    """Yield the elements one after another, up to and including the first one whose identifier is `until`.

    Raises:
        IndexError: the data end within an identifier or a size.
    """
    position = 0
    while position < len(data):
        id_width = vint_width(data[position])
        size, size_width = read_vint(data, position + id_width)
        identifier = int.from_bytes(data[position : position + id_width])
        payload_start = position + id_width + size_width
        end = payload_start + size
        yield Element(identifier, data[payload_start:end], position, payload_start, end)
        if identifier == until:
            return
        position = end


def encode_element(identifier: int, payload: bytes, *, size_width: int | None = None) -> bytes:
    """Return the bytes of an element. Its size takes `size_width` bytes; by default one, or else eight."""
    size = len(payload)
    width = size_width or (1 if size < _ONE_BYTE_SIZES else 8)
    marker = 1 << 7 * width
    return identifier.to_bytes((identifier.bit_length() + 7) // 8) + (marker | size).to_bytes(width) + payload


def encode_elements(elements: Iterable[tuple[int, bytes]]) -> bytes:
    """Return elements, each an identifier and a payload, as the payload of another element.

    A checksum, which is always the first, is computed again: CRC-32 of all that follows it.
    """
    identifiers, encoded = list[int](), list[bytes]()
    for identifier, payload in elements:
        identifiers.append(identifier)
        encoded.append(encode_element(identifier, payload))
    if identifiers[:1] == [CHECKSUM]:
        payload = b"".join(encoded[1:])
        encoded[0] = encode_element(CHECKSUM, zlib.crc32(payload).to_bytes(4, "little"))
    return b"".join(encoded)
