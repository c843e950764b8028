"""The journal: the folder in which a video is made, with the finished segments of an interrupted run."""

import itertools
import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from av.packet import Packet
from filelock import FileLock, Timeout

from ...core import safe_files
from ...core.atomic import check_target, is_among, put
from ...core.errors import BusyError, MediaError, WriteError
from ...core.signals import defer_signals
from ..remote import Location, Url, staging_path
from .segment_store import SegmentStore, sync_folder

_MAX_NAME = 200  # bytes; most file systems allow 255, of which the folder's name takes some more


class Journal:
    """The folder `.NAME.cartoonize` beside a video, or beside another path, in which the video is made.

        NAME            the unfinished video
        lock            held by the process at work

    `store` keeps the segments in it. `done` tells whether the video has its name.

    Nothing is made before `acquire`. Nobody else can write to the folder. `overwrite` and `sources` are as of
    AtomicFile.
    """

    def __init__(
        self, target: Location, beside: Path, *, overwrite: bool = True, sources: tuple[Location, ...] = ()
    ) -> None:
        self.target, self.folder, self._beside = target, _folder(beside), beside
        self.path = self.folder / target.name
        self.store = SegmentStore(self.folder)
        self.done = False
        self._overwrite, self._sources = overwrite, sources
        self._lock = FileLock(self.folder / "lock")

    def acquire(self) -> None:
        """Make the folder, or take over that of an earlier run, and lock it.

        Raises:
            BusyError: another process works on the same video.
            WriteError: the folder cannot be made, or what has its name is a link or somebody else's.
        """
        try:
            safe_files.make_private_folder(self.folder)
            self._remove_unless_own(self.folder / "lock")
            self._lock.acquire(timeout=0)
            self._clean_up()
        except Timeout as error:
            raise BusyError(f"Another process is writing {self.target}; wait for it, or stop it.") from error
        except PermissionError as error:
            if os.path.lexists(self.folder) and not safe_files.is_own_folder(self.folder):
                raise WriteError(
                    f"{self.target} would be made in {self.folder}, which is a link or belongs to somebody "
                    "else; remove it, or write to another folder."
                ) from error
            raise WriteError.from_os_error(self._beside, error) from error
        except OSError as error:
            raise WriteError.from_os_error(self._beside, error) from error

    def _clean_up(self) -> None:
        """Remove what strangers put into the folder, and the unfinished video of a killed run."""
        try:
            for path in list(self.folder.iterdir()):
                self._remove_unless_own(path)
            safe_files.remove(self.path)
        except BaseException:
            self._lock.release()
            raise

    def rename_partial(self) -> Location:
        """Choose a target whose name says that the video is incomplete, and return it.

        It is never the source and, unless files may be replaced, no existing file.
        """
        for number in itertools.count(1):
            ending = f".partial-{number}" if number > 1 else ".partial"
            target = self.target.with_name(f"{self.target.stem}{ending}{self.target.suffix}")
            if not is_among(target, self._sources) and (self._overwrite or not _exists(target)):
                break
        self.target = target
        return target

    def commit(self, *, synced: bool = True) -> None:
        """Give the finished video its name, and remove everything else.

        If `synced`, the video is on the disk before the segments are removed, so a power failure cannot take
        both. A signal waits until all is done.

        Raises:
            MediaError: somebody made a file of that name in the meantime, and `overwrite` is false.
        """
        if synced:
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())
        if isinstance(self.target, Url):
            with self.target.uploaded(self.path, overwrite=self._overwrite) as publish, defer_signals():
                publish()
                self._finish(synced=synced)
        else:
            with defer_signals():
                put(self.path, self.target, overwrite=self._overwrite)
                self._finish(synced=synced)

    def _finish(self, *, synced: bool) -> None:
        self.done = True
        if synced and isinstance(self.target, Path):
            sync_folder(self.target.parent)
        self.close(done=True)

    def close(self, *, done: bool) -> None:
        """Release the folder. It stays if it holds finished segments and the video is not `done`."""
        self.store.close()
        with suppress(OSError):
            self.path.unlink()
        if done or self.store.is_empty():
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    def add(self, packet: "Packet[Any]") -> None:
        """Append a packet to the current segment."""
        self.store.add(packet)

    def _remove_unless_own(self, path: Path) -> None:
        """Remove what is not a regular file of this user, as others could once write to the folder."""
        try:
            safe_files.open_own(path).close()
        except FileNotFoundError:
            return
        except OSError:
            safe_files.remove(path)
            self.store.unusable = True


class StandardOutput:
    """Replaces the journal of standard output, where nothing can be removed and no run can continue."""

    target: Location = Path("-")
    path = Path("pipe:1")  # FFmpeg's name for it
    done = False

    def acquire(self) -> None:
        """There is nothing to lock."""

    def add(self, packet: "Packet[Any]") -> None:
        """Nothing is kept."""

    def rename_partial(self) -> Location:
        """Standard output has no name that could say so."""
        return self.target

    def commit(self, *, synced: bool = True) -> None:
        """Nothing is left to do."""

    def close(self, *, done: bool) -> None:
        """Nothing can be taken back."""


def open_journal(
    target: Location, *, overwrite: bool, sources: tuple[Location, ...] = ()
) -> Journal | StandardOutput:
    """Choose where a video is made: standard output for `-`, a folder beside a file, or the cache for a Url.

    Raises:
        MediaError: as AtomicFile; or as Journal.
    """
    if target == StandardOutput.target:
        return StandardOutput()
    if isinstance(target, Url):
        if is_among(target, sources):
            raise MediaError(f"{target} is the source itself; name another file to write.")
        target.check_writable(overwrite=overwrite)
        return Journal(target, staging_path(target), overwrite=overwrite, sources=sources)
    check_target(target, overwrite=overwrite, sources=sources)
    return Journal(target, target, overwrite=overwrite, sources=sources)


def _exists(location: Location) -> bool:
    return os.path.lexists(location) if isinstance(location, Path) else location.exists()


def _folder(target: Path) -> Path:
    """A hidden folder beside the target, the same in each run; a hash stands for a name that is too long."""
    name = target.name
    if len(os.fsencode(name)) > _MAX_NAME:
        name = sha256(os.fsencode(name)).hexdigest()
    return target.with_name(f".{name}.cartoonize")
