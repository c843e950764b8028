"""GIF89a: images and extensions, whose data are in sub-blocks of up to 255 bytes."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .structure import ContainerStructure, Requests

_Integers: TypeAlias = NDArray[np.int64]

_MAX_WIDTH = 12  # bits of a code
_TABLE_SIZE = 1 << _MAX_WIDTH
_FIRST_CODES = 5000  # that are read at once; most programs clear the table when it is full


def parse_gif(structure: ContainerStructure, _video_index: int) -> Requests:
    """Parse images and extensions up to the trailer.

    An image must have data for all of its pixels: where a part of the file is left out, two images can become
    one that seems whole.
    """
    structure.frame_offsets, offset, are_images_whole = [], 13, True
    offset += _colour_table_size((yield 10, 1))
    while (introducer := (yield offset, 1)) in (b",", b"!"):
        is_image = introducer == b","
        if is_image:
            structure.frame_offsets.append(offset)
            descriptor = yield offset, 10
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
            data += block[:-1] if is_image else b""
            length = block[-1:]
        offset += 1
        if is_image:
            are_images_whole &= len(descriptor) == 10 and _has_all_pixels(descriptor, code_size, data)
    structure.intact = introducer == b";" and are_images_whole


def _colour_table_size(flags: bytes) -> int:
    """The bytes of the colour table that a byte of flags announces."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _has_all_pixels(descriptor: bytes, code_size: bytes, data: bytearray) -> bool:
    """Whether an image has the size that its descriptor states; some programs end a little early or late."""
    width, height = (int.from_bytes(descriptor[n : n + 2], "little") for n in (5, 7))
    return abs(count_pixels(bytes(data), code_size[0]) - width * height) <= width


def count_pixels(data: bytes, code_size: int) -> int:
    """The number of pixels in LZW data (GIF89a, appendix F); 0 if the data are not valid.

    `code_size` is the number of bits of a pixel, which the file states before the data.
    """
    if not 1 < code_size < 9:
        return 0
    padded = np.frombuffer(data + bytes(2), np.uint8).astype(np.int64)
    words = padded[:-2] | padded[1:-1] << 8 | padded[2:] << 16  # the 24 bits from each byte on
    clear, marker, position, pixels = 1 << code_size, -1, 0, 0
    while marker != clear + 1 and position < 8 * len(data):
        codes, marker, position = _read_run(words, position, code_size)
        sizes, _, _ = _layout(code_size, len(codes))
        if (codes > sizes).any() or (codes[:1] > clear).any():
            return 0
        pixels += _count_run(codes, clear)
    return pixels


def _read_run(words: _Integers, position: int, code_size: int) -> tuple[_Integers, int, int]:
    """Read codes from a position in bits, up to one that clears the table (1 << code_size) or ends the image
    (the next one).

    Return the codes, the code that ended them or -1 at the end of the data, and the position behind it.
    """
    clear, count = 1 << code_size, _FIRST_CODES
    while True:
        _, widths, starts = _layout(code_size, count)
        begins = position + starts
        begins = begins[: np.searchsorted(begins + widths, 8 * len(words), side="right")]
        codes = words[begins >> 3] >> (begins & 7) & ((1 << widths[: len(begins)]) - 1)
        markers = np.flatnonzero(codes | 1 == clear | 1)
        if len(markers):
            end = int(markers[0])
            return codes[:end], int(codes[end]), int(begins[end] + widths[end])
        if len(begins) < count:
            return codes, -1, 8 * len(words)
        count *= 2


@lru_cache(64)
def _layout(code_size: int, count: int) -> tuple[_Integers, _Integers, _Integers]:
    """The size of the table before each code after a cleared table, its width and its position in bits.

    From the second code on, each code adds an entry, as long as the table has room.
    """
    numbers = np.arange(count)
    sizes = np.minimum((1 << code_size) + 2 + np.maximum(numbers - 1, 0), _TABLE_SIZE)
    widths = np.minimum(np.floor(np.log2(sizes)).astype(np.int64) + 1, _MAX_WIDTH)
    return sizes, widths, np.concatenate([[0], np.cumsum(widths)[:-1]])


def _count_run(codes: _Integers, clear: int) -> int:
    """The pixels of codes after a cleared table. An entry of the table has one pixel more than the code
    before."""
    lengths = [1] * clear + [0, 0]
    for code in codes[: _TABLE_SIZE - len(lengths)].tolist():
        lengths.append(lengths[code] + 1)
    return int(np.array(lengths)[codes].sum())
