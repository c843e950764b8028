"""GIF89a: images and extensions, whose data are in sub-blocks of up to 255 bytes."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .structure import ContainerStructure, Requests, new_offsets

_Integers: TypeAlias = NDArray[np.int64]

_MAX_WIDTH = 12  # bits of a code
_TABLE_SIZE = 1 << _MAX_WIDTH
_CODES = 5000  # that are read at once; the table is full after them, and most programs clear it then
_WINDOW = 8192  # bytes that hold so many codes
_BYTES_PER_PIXEL, _FEW_BYTES = 2, 256  # of data, at most: a code has 12 bits, and some codes clear the table


def parse_gif(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse images and extensions up to the trailer.

    An image must have data for all of its pixels: where a part of the file is left out, two images can become
    one that seems whole.
    """
    structure.frame_offsets, offset, are_images_whole = new_offsets(), 13, True
    offset += _colour_table_size((yield 10, 1))
    while (introducer := (yield offset, 1)) in (b",", b"!"):
        is_image = introducer == b","
        if is_image:
            structure.frame_offsets.append(offset)
            descriptor = yield offset, 10
            wanted = _BYTES_PER_PIXEL * _most_pixels(descriptor) + _FEW_BYTES
            offset += 10 + _colour_table_size(descriptor[9:])
            code_size = yield offset, 1
            offset += 1
        else:
            offset += 2
        data, length = bytearray(), (yield offset, 1)
        while length != b"\0":
            block = yield offset + 1, 1 + int.from_bytes(length)
            offset += len(block)
            if len(block) < 2 or len(block) <= length[0]:
                return
            data += block[:-1] if is_image and len(data) < wanted else b""
            length = block[-1:]
        offset += 1
        if is_image:
            are_images_whole &= len(descriptor) == 10 and _has_all_pixels(descriptor, code_size, data)
    structure.intact = introducer == b";" and are_images_whole


def _colour_table_size(flags: bytes) -> int:
    """The bytes of the colour table that a byte of flags announces."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _image_size(descriptor: bytes) -> tuple[int, int]:
    width, height = (int.from_bytes(descriptor[n : n + 2], "little") for n in (5, 7))
    return width, height


def _most_pixels(descriptor: bytes) -> int:
    """The pixels of an image of that size and of another row: some programs end a little late."""
    width, height = _image_size(descriptor)
    return width * (height + 1)


def _has_all_pixels(descriptor: bytes, code_size: bytes, data: bytearray) -> bool:
    """Whether an image has the size that its descriptor states, or up to a row less or more."""
    width, height = _image_size(descriptor)
    most = _most_pixels(descriptor)
    return width * (height - 1) <= count_pixels(bytes(data), code_size[0], most) <= most


def count_pixels(data: bytes, code_size: int, most: int) -> int:
    """The number of pixels in LZW data (GIF89a, appendix F); 0 if the data are not valid.

    `code_size` is the number of bits of a pixel, which the file states before the data. Beyond `most` pixels
    the rest is not counted.
    """
    if not 1 < code_size < 9:
        return 0
    clear, position, pixels = 1 << code_size, 0, 0
    lengths: _Integers | None = None  # pixels of each entry of the table, once that is full
    while pixels <= most and position < 8 * len(data):
        sizes, widths, starts = _layout(code_size, is_full=lengths is not None)
        codes, marker, position = _read_codes(data, position, widths, starts, clear)
        if (codes > sizes[: len(codes)]).any() or (lengths is None and (codes[:1] > clear).any()):
            return 0
        lengths = _entry_lengths(codes, clear) if lengths is None else lengths
        pixels += int(lengths[codes].sum())
        if marker == clear:
            lengths = None
        elif marker == clear + 1:
            break
    return pixels


def _read_codes(
    data: bytes, position: int, widths: _Integers, starts: _Integers, clear: int
) -> tuple[_Integers, int, int]:
    """Read codes from a position in bits, up to one that clears the table, or ends the image (the next one).

    Return the codes, the code that ended them or -1 if none did, and the position behind them.
    """
    first = position >> 3
    window = data[first : first + _WINDOW]
    padded = np.frombuffer(window + bytes(2), np.uint8).astype(np.int64)
    words = padded[:-2] | padded[1:-1] << 8 | padded[2:] << 16  # the 24 bits from each byte on
    begins = starts + (position & 7)
    begins = begins[: np.searchsorted(begins + widths, 8 * len(window), side="right")]
    codes = words[begins >> 3] >> (begins & 7) & ((1 << widths[: len(begins)]) - 1)
    markers = np.flatnonzero(codes | 1 == clear | 1)
    if len(markers):
        end = int(markers[0])
        return codes[:end], int(codes[end]), position + int(starts[end] + widths[end])
    if len(begins) < len(starts):
        return codes, -1, 8 * len(data)
    return codes, -1, position + int(starts[-1] + widths[-1])


@lru_cache
def _layout(code_size: int, *, is_full: bool) -> tuple[_Integers, _Integers, _Integers]:
    """The size of the table before each code, its width and its position in bits.

    The codes follow a cleared table, or one that is full. From the second code on, each code adds an entry,
    as long as the table has room.
    """
    numbers = np.arange(_CODES) + (_TABLE_SIZE if is_full else 0)
    sizes = np.minimum((1 << code_size) + 2 + np.maximum(numbers - 1, 0), _TABLE_SIZE)
    widths = np.minimum(np.floor(np.log2(sizes)).astype(np.int64) + 1, _MAX_WIDTH)
    return sizes, widths, np.concatenate([[0], np.cumsum(widths)[:-1]])


def _entry_lengths(codes: _Integers, clear: int) -> _Integers:
    """The pixels of each entry that codes after a cleared table add: one more than of the code before."""
    lengths = [1] * clear + [0, 0]
    for code in codes[: _TABLE_SIZE - len(lengths)].tolist():
        lengths.append(lengths[code] + 1)
    return np.array(lengths)
