"""EBML (RFC 8794), the encoding of Matroska and WebM files: its integers, and some identifiers (RFC 9559)."""

SEGMENT, TRACKS, TRACK_ENTRY, TRACK_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
VOID, CHECKSUM = 0xEC, 0xBF


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
