"""The files of visitors: where they are, and for how long."""

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import CartoonizeError, SpaceError
from ..core.messages import without_folder

LOCK = "lock"
"""The file that a server locks, by which `cartoonize clean` knows that its folder is in use."""
KEPT = 3600.0
"""Seconds after its last change until a file is removed."""
_ROOM = 4
"""Free space that an upload needs, as a multiple of its size: a result takes up to twice its final size while
it is written."""


@contextmanager
def hide_folder(folder: Path) -> Iterator[None]:
    """Name the files of a folder without it in the errors of the block: visitors must not see its path."""
    try:
        yield
    except CartoonizeError as error:
        error.args = (without_folder(str(error), folder),)
        raise


class Folders:
    """One folder for each visitor, and in it one for each upload and each result.

    A visitor is known by a secret. The folder's name is derived from it, and does not reveal it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._reserved = 0  # bytes of uploads in progress
        self._reserved_by: dict[str, int] = {}

    def new(self, visitor: str) -> Path:
        """Create an empty folder of the visitor's, under a name that cannot be guessed."""
        folder = self._of(visitor) / secrets.token_urlsafe(16)
        folder.mkdir(parents=True)
        return folder

    @contextmanager
    def new_or_none(self, visitor: str) -> Iterator[Path]:
        """Create a folder that stays only if the `with` block ends without an error."""
        folder = self.new(visitor)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @contextmanager
    def reserve(self, visitor: str, size: int, *, share: int, neighbours: Collection[str]) -> Iterator[None]:
        """Hold space for an upload of `size` bytes while the block runs.

        Args:
            visitor: whose upload it is.
            size: as the request announces it.
            share: bytes that the visitor and the `neighbours`, who have the same address, may keep together.
            neighbours: the visitors whose files count; the visitor is one of them.

        Raises:
            SpaceError: the share is used up, or the disk is too full for the file and its result.
        """
        used = sum(self._size_of(other) + self._reserved_by.get(other, 0) for other in neighbours)
        if used + size > share:
            raise SpaceError(
                "Your files take all the space that one visitor gets here; they are removed an hour after "
                "they were made."
            )
        if shutil.disk_usage(self.root).free < _ROOM * (self._reserved + size):
            raise SpaceError("There is no space for more files at the moment; try again later.")
        self._add(visitor, size)
        try:
            yield
        finally:
            self._add(visitor, -size)

    def sweep(self, now: float | None = None, *, in_use: Collection[Path] = ()) -> None:
        """Remove what was last written more than an hour ago, except the folders of running jobs.

        Systems remove old files from their folder for temporary ones, so the folder of all visitors is made
        to look new, and is created again if it is missing.
        """
        self._keep_root()
        oldest = (now or time.time()) - KEPT
        for entry in self.root.glob("*/*"):
            if entry not in in_use and _last_written(entry) < oldest:
                _remove(entry)
        for entry in self.root.iterdir():
            if entry.name != LOCK and _last_written(entry) < oldest:
                with suppress(OSError):  # the visitor may come back at this moment
                    entry.rmdir() if entry.is_dir() else entry.unlink()

    def _keep_root(self) -> None:
        self.root.mkdir(mode=0o700, exist_ok=True)
        for path in (self.root, self.root / LOCK):
            with suppress(FileNotFoundError):
                os.utime(path)

    def _add(self, visitor: str, size: int) -> None:
        self._reserved += size
        self._reserved_by[visitor] = self._reserved_by.get(visitor, 0) + size
        if not self._reserved_by[visitor]:
            del self._reserved_by[visitor]

    def _size_of(self, visitor: str) -> int:
        total = 0
        for path in self._of(visitor).rglob("*"):
            with suppress(OSError):  # removed at this moment
                total += path.stat().st_size
        return total

    def _of(self, visitor: str) -> Path:
        return self.root / hashlib.sha256(visitor.encode()).hexdigest()[:32]


def _last_written(folder: Path) -> float:
    """Return the time of the last change in a folder; the present time if it is being removed."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:
        return time.time()


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
