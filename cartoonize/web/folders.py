"""Where the files of visitors are, and for how long."""

import hashlib
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEPT = 3600.0
"""Seconds for which a file stays after it was last written."""


class Folders:
    """One folder for each visitor, and in it one for each upload and each drawing.

    A visitor is known by a secret. What a folder is called follows from it, and does not tell it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def new(self, visitor: str) -> Path:
        """An empty folder of the visitor's, under a name that cannot be guessed."""
        folder = self._of(visitor) / secrets.token_urlsafe(16)
        folder.mkdir(parents=True)
        return folder

    @contextmanager
    def new_or_none(self, visitor: str) -> Iterator[Path]:
        """A new folder that is there after the `with` block only if it ends well."""
        folder = self.new(visitor)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def owned(self, visitor: str, path: str) -> Path | None:
        """The file under this path, if it is one of the visitor's; links are followed first."""
        try:
            found = Path(path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            return None
        return found if found.is_file() and found.is_relative_to(self._of(visitor)) else None

    def sweep(self, now: float | None = None) -> None:
        """Remove what was last written more than an hour ago."""
        oldest = (now or time.time()) - KEPT
        for entry in self.root.glob("*/*"):
            if _written(entry) < oldest:
                _remove(entry)
        for entry in self.root.iterdir():
            if _written(entry) < oldest:
                with suppress(OSError):  # a visitor may just be coming back
                    entry.rmdir() if entry.is_dir() else entry.unlink()

    def has_room(self, size: int) -> bool:
        """Whether the disk has room for so many bytes."""
        return shutil.disk_usage(self.root).free > size

    def _of(self, visitor: str) -> Path:
        return self.root / hashlib.sha256(visitor.encode()).hexdigest()[:32]


def _written(folder: Path) -> float:
    """When anything in it was last written; now, if it is just being removed."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:
        return time.time()


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
