"""Limits what Pillow reads of the directories of TIFF files and of EXIF data, which have the same form.

The entries of a directory may all refer to the same bytes. Pillow keeps a copy for each: a file of 2 MB with
60,000 entries would take 60 GB. In an honest file no two entries share bytes.
"""

from functools import wraps
from typing import IO, Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory

_READS = 8  # times that an honest file is read: Pillow loads a directory at each `seek`, and again at others
_SLACK = 1 << 20  # bytes

_load = Directory.load


class _LimitedFile:
    """The part of a file's interface with which a directory is loaded; it ends the reading at a limit."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self.limit = file, limit
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        self.limit -= size
        if self.limit < 0:
            raise ValueError("the entries of a directory overlap")
        return self._file.read(size)


@wraps(_load)
def _load_limited(directory: Any, file: IO[bytes]) -> None:
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    # The directory of a TIFF file is loaded for each of its pictures; all of them share the limit.
    left = getattr(directory, "bytes_left", _READS * size + _SLACK)
    limited = _LimitedFile(file, left)
    try:
        _load(directory, limited)  # type: ignore[arg-type]  # it needs no more of a file
    finally:
        directory.bytes_left = limited.limit


def limit_directories() -> None:
    """Set the limit for this process. No option or subclass of Pillow reaches the directories in pictures."""
    Directory.load = _load_limited  # type: ignore[method-assign, assignment]
