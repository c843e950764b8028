"""The journal: it keeps the finished segments of an interrupted run, each in a file (see segments.py)."""

import itertools
import json
import os
import secrets
import shutil
from collections.abc import Iterator
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
from ..segment import Segment
from .segments import SegmentWriter, read_packets, read_segment

_FORMAT = 2  # the version of the files in the folder; a run does not continue from those of another version
_MAX_KEY_SIZE = 1 << 20  # bytes; a key has some hundreds
_MAX_NAME = 200  # bytes; most file systems allow 255, of which the folder's name takes some more


class Journal:
    """The folder `.NAME.cartoonize` beside a video, or beside another path, in which the video is made.

        NAME            the unfinished video
        key.json        source, style and options of the segments
        segment-N       the segment after the first N frames
        segment.*       a segment that is being written
        lock            held by the process at work

    A segment counts from the moment that it has its name: all of it is on the disk then, so a process or a
    computer may stop at any time. `segments` holds those that count, by their first frame; they may be
    finished in any order. `done` tells whether the video has its name. `unusable` tells, once `open` was
    called, whether something was found that this program did not leave like that.

    Nothing is made before `acquire`. Nobody else can write to the folder. `overwrite` and `sources` are as of
    AtomicFile.
    """

    def __init__(
        self, target: Location, beside: Path, *, overwrite: bool = True, sources: tuple[Location, ...] = ()
    ) -> None:
        self.target, self.folder, self._beside = target, _folder(beside), beside
        self.path = self.folder / target.name
        self.segments: dict[int, Segment] = {}
        self.done = self.unusable = False
        self._overwrite, self._sources = overwrite, sources
        self._open = False  # whether segments are kept
        self._writer: SegmentWriter | None = None
        self._draft = self.folder
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

    def open(self, key: dict[str, Any], *, resume: bool) -> list[str]:
        """Keep segments from now on, together with those of an earlier run of the same `key` if `resume`.

        Returns the names in the key that have changed since the earlier run, if there was one.
        """
        key = json.loads(json.dumps({"format": _FORMAT, **key}))
        earlier = self._read_key() if resume and any(self._finished()) else None
        changed = sorted(name for name in key if earlier and earlier.get(name) != key[name])
        if earlier is None or changed:
            self._clear()
            self._write("key.json", json.dumps(key, indent=1).encode())
        self.segments = self._load_segments()
        self._open = True
        return changed

    def leading(self) -> Iterator[Segment]:
        """The finished segments from the first frame on, up to the first gap."""
        last, segment = None, self.segments.get(0)
        while segment is not None and segment.follows(last):
            yield segment
            last, segment = segment, self.segments.get(segment.end)

    def packets(self, segment: Segment) -> Iterator["Packet[Any]"]:
        """The packets of a finished segment, without stream and time base."""
        with safe_files.open_own(self._path(segment.first)) as file:
            yield from read_packets(file)

    def add(self, packet: "Packet[Any]") -> None:
        """Append a packet to the current segment."""
        if self._open:
            if self._writer is None:
                self._draft = self._new_draft()
                self._writer = SegmentWriter(safe_files.create(self._draft))
            self._writer.add(packet)

    def end_segment(self, segment: Segment) -> None:
        """Finish the current segment: it counts from now on."""
        assert self._writer is not None
        self._writer.end(segment)
        _sync(self._writer.file)
        self._writer.file.close()
        self._writer = None
        self._name_segment(self._draft, segment)

    def put_segment(self, segment: Segment, data: bytes) -> None:
        """Add a finished segment that a SegmentWriter wrote elsewhere."""
        draft = self._new_draft()
        self._write(draft.name, data)
        self._name_segment(draft, segment)

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

    def commit(self) -> None:
        """Give the finished video its name, and remove everything else.

        The video is on the disk before the segments are removed, so a power failure cannot take both. A
        signal waits until all is done.

        Raises:
            MediaError: somebody made a file of that name in the meantime, and `overwrite` is false.
        """
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        if isinstance(self.target, Url):
            with self.target.uploaded(self.path, overwrite=self._overwrite) as publish, defer_signals():
                publish()
                self._finish()
        else:
            with defer_signals():
                put(self.path, self.target, overwrite=self._overwrite)
                self._finish()

    def _finish(self) -> None:
        self.done = True
        if isinstance(self.target, Path):
            sync_folder(self.target.parent)
        self.close(done=True)

    def close(self, *, done: bool) -> None:
        """Release the folder. It stays if it holds finished segments and the video is not `done`."""
        if self._writer is not None:
            with suppress(OSError):  # on a full disk; the segment does not count yet
                self._writer.file.close()
        keep = not done and any(self._finished())
        for path in (self.path, *self.folder.glob("segment.*")):
            with suppress(OSError):
                path.unlink()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    @property
    def kept(self) -> int:
        """The number of frames in finished segments that are on the disk."""
        return sum(segment.frames for first, segment in self.segments.items() if self._path(first).exists())

    def _new_draft(self) -> Path:
        return self.folder / f"segment.{secrets.token_hex(8)}"

    def _write(self, name: str, data: bytes) -> None:
        with safe_files.create(self.folder / name) as file:
            file.write(data)
            _sync(file)

    def _name_segment(self, draft: Path, segment: Segment) -> None:
        draft.replace(self._path(segment.first))
        self.segments[segment.first] = segment
        sync_folder(self.folder)

    def _read_key(self) -> dict[str, Any] | None:
        try:
            with safe_files.open_own(self.folder / "key.json") as file:
                key = json.loads(file.read(_MAX_KEY_SIZE))
            return key if key["format"] == _FORMAT else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, RecursionError):  # damaged, or another version's
            self.unusable = True
            return None

    def _load_segments(self) -> dict[int, Segment]:
        """The segments in the folder that are as they were written; others are removed."""
        segments = {}
        for path in list(self._finished()):
            try:
                with safe_files.open_own(path) as file:
                    segment = read_segment(file)
                if self._path(segment.first) != path:
                    raise ValueError("the name is another segment's")
                segments[segment.first] = segment
            except (OSError, ValueError):
                safe_files.remove(path)
                self.unusable = True
        return segments

    def _remove_unless_own(self, path: Path) -> None:
        """Remove what is not a regular file of this user, as others could once write to the folder."""
        try:
            safe_files.open_own(path).close()
        except FileNotFoundError:
            return
        except OSError:
            safe_files.remove(path)
            self.unusable = True

    def _finished(self) -> Iterator[Path]:
        return self.folder.glob("segment-*")

    def _clear(self) -> None:
        for path in (self.folder / "key.json", *self.folder.glob("segment*")):
            safe_files.remove(path)
        sync_folder(self.folder)

    def _path(self, first: int) -> Path:
        return self.folder / f"segment-{first}"


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

    def commit(self) -> None:
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


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; Windows does that by itself."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _exists(location: Location) -> bool:
    return os.path.lexists(location) if isinstance(location, Path) else location.exists()


def _folder(target: Path) -> Path:
    """A hidden folder beside the target, the same in each run; a hash stands for a name that is too long."""
    name = target.name
    if len(os.fsencode(name)) > _MAX_NAME:
        name = sha256(os.fsencode(name)).hexdigest()
    return target.with_name(f".{name}.cartoonize")


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
