"""States how long the last frame of a finished WebP or APNG animation is shown.

FFmpeg learns a frame's duration from the time of the next one, and guesses that of the last.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_WEBP_LONGEST = (1 << 24) - 1  # milliseconds; the field has 24 bits
_APNG_LONGEST = (1 << 16) - 1  # the numerator and the denominator have 16 bits each
_FCTL = struct.Struct(">4s20sHH2s")  # the name, then number, size and position, then the delay, then flags


def set_animation_length(path: Path, muxer: str, seconds: Fraction) -> None:
    """Show the last frame until the animation is `seconds` long; other formats than WebP and APNG stay.

    Raises:
        OSError: the file cannot be read or written.
    """
    editor = _EDITORS.get(muxer)
    if editor is not None:
        with path.open("r+b") as file:
            editor(file, seconds)


def _edit_webp(file: BinaryIO, seconds: Fraction) -> None:
    """Edit the last chunk of the kind ANMF (RFC 9649, 2.7.1.1)."""
    frames = [offset for name, offset in _webp_chunks(file) if name == b"ANMF"]
    durations = []
    for offset in frames:
        file.seek(offset + 12)
        durations.append(int.from_bytes(file.read(3), "little"))
    if frames:
        last = max(0, round(1000 * seconds) - sum(durations[:-1]))
        file.seek(frames[-1] + 12)
        file.write(min(last, _WEBP_LONGEST).to_bytes(3, "little"))


def _webp_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The names of the chunks, and the offsets of their content."""
    offset = 12
    file.seek(offset)
    while len(header := file.read(8)) == 8:
        yield header[:4], offset + 8
        size = int.from_bytes(header[4:], "little")
        offset += 8 + size + size % 2
        file.seek(offset)


def _edit_apng(file: BinaryIO, seconds: Fraction) -> None:
    """Edit the last chunk of the kind fcTL (PNG, third edition, 11.3.6.2)."""
    frames = []
    for name, offset, size in _png_chunks(file):
        if name == b"fcTL" and size + 4 == _FCTL.size:
            file.seek(offset)
            frames.append((offset, _FCTL.unpack(file.read(_FCTL.size))))
    if frames:
        earlier = sum(Fraction(delay, base or 100) for _, (_, _, delay, base, _) in frames[:-1])
        offset, (name, place, _, _, flags) = frames[-1]
        chunk = _FCTL.pack(name, place, *_apng_delay(max(Fraction(0), seconds - earlier)), flags)
        file.seek(offset)
        file.write(chunk + zlib.crc32(chunk).to_bytes(4))


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The names of the chunks, the offsets of these names, and the sizes of their content."""
    offset = 8
    file.seek(offset)
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[:4])
        yield header[4:], offset + 4, size
        offset += 12 + size
        file.seek(offset)


def _apng_delay(seconds: Fraction) -> tuple[int, int]:
    """The fraction of a second that comes closest, in 16 bits for each number."""
    for limit in (10000, 1000, 10, 1):
        delay = seconds.limit_denominator(limit)
        if delay.numerator <= _APNG_LONGEST:
            return delay.numerator, delay.denominator
    return _APNG_LONGEST, 1


_EDITORS: dict[str, Callable[[BinaryIO, Fraction], None]] = {"webp": _edit_webp, "apng": _edit_apng}
