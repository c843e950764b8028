"""Following folders: which files have come in whole."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from ..core.errors import MediaError, Stopped
from .files import Job

QUIET = 3.0
"""Seconds without change after which a file counts as whole."""
_RESCAN = 10.0  # seconds; network drives do not tell of what others put there


class Stamp(NamedTuple):
    """What changes with a file: bytes, and nanoseconds of its last change."""

    size: int
    changed: int

    @staticmethod
    def of(path: Path) -> "Stamp | None":
        """That of a file which is there, is not empty, and can be opened.

        Browsers reserve names by empty files; on Windows, a file that is being copied has its full size from
        the beginning, but cannot be opened.
        """
        try:
            with path.open("rb"):
                told = path.stat()
        except OSError:
            return None
        return Stamp(told.st_size, told.st_mtime_ns) if told.st_size else None


class Settling:
    """Tells which files have stopped growing, from what is seen of them now and then."""

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._seen: dict[Path, tuple[Stamp, float]] = {}  # and since when
        self._taken: dict[Path, Stamp] = {}

    def look(self, stamps: Mapping[Path, Stamp], now: float) -> list[Path]:
        """Those that have been the same for long enough, and that were not taken as they are.

        Args:
            stamps: of all files that there are, in the order in which they are to be taken.
            now: seconds of a clock that does not jump.
        """
        before = self._seen
        self._seen = {
            path: (stamp, before[path][1] if path in before and before[path][0] == stamp else now)
            for path, stamp in stamps.items()
        }
        return [path for path in self.waiting if now - self._seen[path][1] >= self._quiet]

    def take(self, path: Path) -> bool:
        """Take a file as it was seen; gives whether it had been taken before, when it was another."""
        again = path in self._taken
        self._taken[path] = self._seen[path][0]
        return again

    @property
    def waiting(self) -> list[Path]:
        """Files that were not taken as they are."""
        return [path for path, (stamp, _) in self._seen.items() if self._taken.get(path) != stamp]


def watch_folder(
    folders: Sequence[Path], find: Callable[[], Iterable[Job]], *, quiet: float = QUIET
) -> Generator[tuple[Job, bool]]:
    """Jobs, each once its source is whole, and whether it had been handed out before, when it was another.

    Begins with what is there, and goes on until Ctrl-C (or `kill`) comes while it waits.

    Args:
        folders: where sources appear.
        find: gives the jobs of all that is there.
        quiet: seconds without change after which a file counts as whole.

    Raises:
        MediaError: a folder is not there any more, or cannot be followed.
    """
    with suppress(KeyboardInterrupt, Stopped):  # only those of the waiting come here
        yield from _arrivals(folders, find, quiet)


def _arrivals(
    folders: Sequence[Path], find: Callable[[], Iterable[Job]], quiet: float
) -> Generator[tuple[Job, bool]]:
    settling, looked = Settling(quiet), 0.0
    with closing(_wakes(folders, quiet / 2)) as wakes:
        for changed in wakes:
            if not (changed or settling.waiting or time.monotonic() - looked > _RESCAN):
                continue
            jobs = {job.source: job for job in find()}
            stamps = {path: stamp for path in jobs if (stamp := Stamp.of(path))}
            looked = time.monotonic()
            for path in settling.look(stamps, looked):
                if Stamp.of(path) == stamps[path]:  # it may have changed while others were drawn
                    yield jobs[path], settling.take(path)


def _wakes(folders: Sequence[Path], pause: float) -> Generator[bool]:
    """Wake up when something changes in the folders, and after each pause; gives which of them it was.

    Of a signal that comes meanwhile, watchfiles makes a KeyboardInterrupt, whatever its handler raises.
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
            gone = next((folder for folder in folders if not folder.is_dir()), None)
            if gone is not None:
                raise MediaError(f"The folder {gone} is not there any more.")
            yield bool(changes)
    except (OSError, RuntimeError) as error:  # watchfiles' own error is a RuntimeError
        raise MediaError(f"Cannot follow {', '.join(map(str, folders))}: {error}.") from error
