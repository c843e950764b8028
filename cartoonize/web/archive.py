"""Sends results as one ZIP file, which is made on the fly: it is neither in memory nor on the disk."""

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import BinaryIO

_CHUNK = 1 << 18  # bytes


class _Pipe:
    """A file for `zipfile` that cannot be read again; `take` returns what was written since the last call."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


def stream_zip(paths: Iterable[Path]) -> Iterator[bytes]:
    """Yield the bytes of a ZIP file with these files, under their names, and as they are.

    Pictures and videos are compressed already. A file that was removed meanwhile is left out; of two with one
    name, the second is called "NAME (2)".
    """
    pipe, names = _Pipe(), set[str]()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]  # it needs no more than `write`
        for path in paths:
            with suppress(FileNotFoundError), path.open("rb") as file:
                entry = zipfile.ZipInfo.from_file(path, _free_name(path.name, names), strict_timestamps=False)
                yield from _add_file(archive, pipe, file, entry)
    yield pipe.take()


def _add_file(
    archive: zipfile.ZipFile, pipe: _Pipe, file: BinaryIO, entry: zipfile.ZipInfo
) -> Iterator[bytes]:
    """Copy a file into the archive, and yield the bytes that the archive writes meanwhile."""
    with archive.open(entry, "w") as target:
        while chunk := file.read(_CHUNK):
            target.write(chunk)
            yield pipe.take()


def _free_name(name: str, taken: set[str]) -> str:
    """The name, or one with a number that no other file has, on disks that ignore the case too."""
    path, number, free = PurePath(name), 1, name
    while free.lower() in taken:
        number += 1
        free = f"{path.stem} ({number}){path.suffix}"
    taken.add(free.lower())
    return free
