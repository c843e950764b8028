"""Watches folders for files that have arrived completely."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from ..core.errors import MediaError, Stopped
from .file_jobs import Job

QUIET = 3.0
"""Seconds without a change after which a file counts as complete."""
_RESCAN = 10.0  # seconds; network drives do not report what other machines put there


class FileStamp(NamedTuple):
    """Size in bytes and time of the last change in nanoseconds, by which a changed file is recognised."""

    size: int
    changed: int

    @staticmethod
    def of(path: Path) -> "FileStamp | None":
        """The stamp of a file; None if it is missing, is empty, or cannot be opened.

        Browsers reserve names by empty files. On Windows, a file that is being copied has its full size from
        the beginning, but cannot be opened.
        """
        try:
            with path.open("rb"):
                status = path.stat()
        except OSError:
            return None
        return FileStamp(status.st_size, status.st_mtime_ns) if status.st_size else None


class CompletionTracker:
    """Finds the files that have stopped growing, from stamps that are taken repeatedly."""

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._seen: dict[Path, tuple[FileStamp, float]] = {}  # the last stamp, and since when it is the same
        self._taken: dict[Path, FileStamp] = {}

    def update(self, stamps: Mapping[Path, FileStamp], now: float) -> list[Path]:
        """Return the files that are complete and have changed since they were last taken.

        Args:
            stamps: of all files that exist, in the order in which to take them.
            now: seconds of a clock that does not jump.
        """
        before = self._seen
        self._seen = {
            path: (stamp, before[path][1] if path in before and before[path][0] == stamp else now)
            for path, stamp in stamps.items()
        }
        return [path for path in self.pending if now - self._seen[path][1] >= self._quiet]

    def take(self, path: Path) -> bool:
        """Mark the present content of a file as taken; return whether an earlier content was taken before."""
        is_repeated = path in self._taken
        self._taken[path] = self._seen[path][0]
        return is_repeated

    @property
    def pending(self) -> list[Path]:
        """The files whose present content was not taken yet."""
        return [path for path, (stamp, _) in self._seen.items() if self._taken.get(path) != stamp]


def watch_folder(
    folders: Sequence[Path], find: Callable[[], Iterable[Job]], *, quiet: float = QUIET
) -> Generator[tuple[Job, bool]]:
    """Yield each job once its source is complete, and whether it was yielded before, with another content.

    It begins with the files that exist, and goes on until Ctrl-C (or `kill`) comes while it waits.

    Args:
        folders: where sources appear.
        find: returns the jobs of all files that exist.
        quiet: seconds without a change after which a file counts as complete.

    Raises:
        MediaError: a folder no longer exists, or cannot be watched.
    """
    with suppress(KeyboardInterrupt, Stopped):  # those that come while a job runs are not raised here
        yield from _arrivals(folders, find, quiet)


def _arrivals(
    folders: Sequence[Path], find: Callable[[], Iterable[Job]], quiet: float
) -> Generator[tuple[Job, bool]]:
    tracker, scanned = CompletionTracker(quiet), 0.0
    with closing(_changes(folders, quiet / 2)) as changes:
        for has_changed in changes:
            if not (has_changed or tracker.pending or time.monotonic() - scanned > _RESCAN):
                continue
            jobs = {job.source: job for job in find()}
            stamps = {path: stamp for path in jobs if (stamp := FileStamp.of(path))}
            scanned = time.monotonic()
            for path in tracker.update(stamps, scanned):
                if FileStamp.of(path) == stamps[path]:  # it may have changed while others were converted
                    yield jobs[path], tracker.take(path)


def _changes(folders: Sequence[Path], pause: float) -> Generator[bool]:
    """Yield True when something changes in the folders, and False after each pause without a change.

    watchfiles turns a signal that comes meanwhile into a KeyboardInterrupt, whatever its handler raises.
    """
    from watchfiles import watch

    try:
        yield True
        for changes in watch(
            *folders,
            watch_filter=None,
            rust_timeout=max(50, int(1000 * pause)),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            missing = next((folder for folder in folders if not folder.is_dir()), None)
            if missing is not None:
                raise MediaError(f"The folder {missing} no longer exists.")
            yield bool(changes)
    except (OSError, RuntimeError) as error:  # watchfiles' own error is a RuntimeError
        raise MediaError(f"Cannot watch {', '.join(map(str, folders))}: {error}.") from error
