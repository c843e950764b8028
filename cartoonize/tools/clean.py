"""Finds and removes what killed runs left behind: journals, drafts and temporary folders.

The process at work locks a journal and the folder of the web page: a free lock proves that nobody uses them.
Drafts and other temporary folders have no lock. They count as left behind if nothing in them has changed for
a day. A folder that holds anything that this program does not write there is never touched.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from ..core import safe_files
from ..styles import user

IDLE = 24 * 3600
"""Seconds without a change after which a draft or a temporary folder was left behind."""
_JOURNAL = re.compile(r"\.(.+)\.cartoonize")
_JOURNAL_FILES = re.compile(r"key\.json|lock|segment-\d+|segment\.[0-9a-f]{16}")
_DRAFT = re.compile(r"\.[0-9a-f]{32}\.partial(\..{0,15})?")
_TEMPORARY = re.compile(r"cartoonize-(web-)?[a-z0-9_]{8}")  # as `tempfile` ends a name
_TEMPORARY_FILES = {"sdr.cube", "clip.mp4", "converted.mp4"}  # of media/hdr.py and tools/benchmark.py
_ADDING = re.compile(r"\.adding-.+")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that a run left behind.

    `size` is in bytes, `changed` the time of the last change in seconds since the epoch. `is_journal` tells
    whether the same command would continue from it.
    """

    path: Path
    kind: str
    size: int
    changed: float
    is_journal: bool = False


class _Search(NamedTuple):
    """A folder to search, with `is_deep` also below it, for entries of a kind, whose names match."""

    folder: Path
    pattern: re.Pattern[str]
    kind: str
    is_deep: bool = True


def find_leftovers(folders: Iterable[Path], *, now: float | None = None) -> list[Leftover]:
    """Find what was left behind in these folders and below, and where this program keeps temporary files.

    Links are not followed. Files of other users, and files that a process works on, are left out.
    """
    now = time.time() if now is None else now
    searches = [
        *(_Search(folder, _JOURNAL, "unfinished video") for folder in (*folders, _uploads())),
        *(_Search(folder, _DRAFT, "unfinished file") for folder in folders),
        _Search(Path(tempfile.gettempdir()), _TEMPORARY, "temporary folder", is_deep=False),
        _Search(user.folder(), _ADDING, "style that was being added", is_deep=False),
    ]
    leftovers: dict[Path, Leftover] = {}
    for search in searches:
        for path in _matching(search.folder, search.pattern, is_deep=search.is_deep):
            leftover = _examine(path, search)
            if leftover is not None and (leftover.is_journal or now - leftover.changed >= IDLE):
                leftovers.setdefault(path.absolute(), leftover)
    return list(leftovers.values())


def remove_leftover(leftover: Leftover) -> bool:
    """Remove a leftover; return whether it was removed. A journal that a process has locked meanwhile stays.

    Raises:
        OSError: the system refuses it.
    """
    if not leftover.is_journal:
        safe_files.remove(leftover.path)
        return True
    with _locked(leftover.path) as is_free:
        if is_free:
            for path in leftover.path.iterdir():
                if path.name != "lock":
                    safe_files.remove(path)
            shutil.rmtree(leftover.path, ignore_errors=True)  # Windows keeps the lock, which is in use
    if is_free:
        shutil.rmtree(leftover.path, ignore_errors=True)
    return is_free


def _uploads() -> Path:
    """Return the folder in which videos for object stores are made."""
    return user_cache_path("cartoonize") / "uploads"


def _matching(folder: Path, pattern: re.Pattern[str], *, is_deep: bool) -> Iterator[Path]:
    """The entries of a folder whose whole name matches, and with `is_deep` those of its subfolders."""
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if pattern.fullmatch(name):
                yield Path(path, name)
        folders[:] = [name for name in folders if is_deep and not pattern.fullmatch(name)]


def _examine(path: Path, search: _Search) -> Leftover | None:
    """Describe an entry if a run may have left it behind; None also if it was removed or cannot be read."""
    with suppress(OSError):
        if search.pattern is _ADDING or _is_left_behind(path):
            return _describe(path, search.kind)
    return None


def _is_left_behind(path: Path) -> bool:
    """Whether an entry is this program's and this user's, and not locked."""
    if not safe_files.is_own_folder(path):
        safe_files.open_own(path).close()  # raises OSError for what is no file of this user
        return _DRAFT.fullmatch(path.name) is not None
    names = {entry.name for entry in path.iterdir()}
    if match := _JOURNAL.fullmatch(path.name):
        known = all(name == match[1] or _JOURNAL_FILES.fullmatch(name) for name in names)
        return bool(names) and known and _is_free(path)
    if path.name.startswith("cartoonize-web-"):
        return "lock" in names and _is_free(path)
    return names <= _TEMPORARY_FILES


def _describe(path: Path, kind: str) -> Leftover:
    files = [path]
    if path.is_dir():
        files += [file for file in path.rglob("*") if file.name != "lock" and not file.is_dir()]
    states = [file.lstat() for file in files]
    changed = max(state.st_mtime for state in states)
    size = sum(
        state.st_size for file, state in zip(files, states, strict=True) if file != path or path.is_file()
    )
    return Leftover(path, kind, size, changed, is_journal=bool(_JOURNAL.fullmatch(path.name)))


def _is_free(folder: Path) -> bool:
    with _locked(folder) as is_free:
        return is_free


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock in a folder; yields False if a process at work holds it."""
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
