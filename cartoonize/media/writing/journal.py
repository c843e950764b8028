"""What a killed run leaves to go on from: the segments that were finished, each a file (see segments.py)."""

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
from ..remote import Location, Url, staging
from ..segment import Segment
from .segments import SegmentWriter, read_packets, read_segment

_FORMAT = 2  # of all this; what another version left is not gone on from
_KEY_SIZE = 1 << 20  # bytes; a key has some hundreds


class Journal:
    """The folder `.NAME.cartoonize` beside a video, in which it is made, or beside another path.

        NAME            the unfinished video
        key.json        of which source, style and options the segments are
        segment-N       the segment behind the first N frames
        segment.*       what is not whole yet
        lock            held by the process at work

    A segment counts from the moment at which it has its name: all of it is on the disk by then, so that a
    process or a computer may stop at any time. `segments` are those that count, by their first frame; they
    may be finished in any order. `done` tells whether the video has its name. `unusable` tells, once it is
    open, whether something was found that this program did not leave so.

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
            safe_files.own_folder(self.folder)
            self._remove_unless_own(self.folder / "lock")
            self._lock.acquire(timeout=0)
            for path in list(self.folder.iterdir()):
                self._remove_unless_own(path)
            safe_files.remove(self.path)  # of a run that was killed
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

    def open(self, key: dict[str, Any], *, resume: bool) -> list[str]:
        """Begin to keep segments, beside those of an earlier run of the same `key` if `resume` is true.

        The answer says what of the key has changed since then, if there was such a run.
        """
        key = json.loads(json.dumps({"format": _FORMAT, **key}))
        earlier = self._key() if resume and any(self._finished()) else None
        changed = sorted(name for name in key if earlier and earlier.get(name) != key[name])
        if earlier is None or changed:
            self._clear()
            self._write("key.json", json.dumps(key, indent=1).encode())
        self.segments = self._load()
        self._open = True
        return changed

    def leading(self) -> Iterator[Segment]:
        """The finished segments from the beginning on, as far as they follow each other."""
        last, following = None, self.segments.get(0)
        while following is not None and following.follows(last):
            yield following
            last, following = following, self.segments.get(following.end)

    def packets(self, segment: Segment) -> Iterator["Packet[Any]"]:
        """Those of a finished segment, without stream and time base."""
        with safe_files.open_own(self._path(segment.first)) as file:
            yield from read_packets(file)

    def add(self, packet: "Packet[Any]") -> None:
        """Append a packet to the segment at work."""
        if self._open:
            if self._writer is None:
                self._draft = self._new_draft()
                self._writer = SegmentWriter(safe_files.create(self._draft))
            self._writer.add(packet)

    def end_segment(self, segment: Segment) -> None:
        """Let the segment at work count."""
        assert self._writer is not None
        self._writer.end(segment)
        _sync(self._writer.file)
        self._writer.file.close()
        self._writer = None
        self._count(self._draft, segment)

    def put_segment(self, segment: Segment, data: bytes) -> None:
        """Let one count that was written elsewhere, by a SegmentWriter."""
        draft = self._new_draft()
        self._write(draft.name, data)
        self._count(draft, segment)

    def rename_partial(self) -> Location:
        """Let what is written take a name that says that it is not all; the answer is that name.

        It is never the source's, nor, unless files may be replaced, that of a file that is there.
        """
        target, number = self.target, 1
        while True:
            number_of = f"-{number}" if number > 1 else ""
            name = target.with_name(f"{target.stem}.partial{number_of}{target.suffix}")
            if not is_among(name, self._sources) and (self._overwrite or not _is_taken(name)):
                self.target = name
                return name
            number += 1

    def commit(self) -> None:
        """Give the finished video its name, and remove everything else.

        It is on the disk before the segments go: no failure of power can take both. A signal that comes
        meanwhile waits until all of it is done.

        Raises:
            MediaError: somebody made a file of that name in the meantime, and `overwrite` is false.
        """
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        if isinstance(self.target, Url):
            with self.target.uploaded(self.path, overwrite=self._overwrite) as appear, defer_signals():
                appear()
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
        """Release the folder. It stays if there are finished segments in it and the video is not `done`."""
        if self._writer is not None:
            with suppress(OSError):  # what is lost with a full disk does not count yet
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
        """The frames of finished segments that are on the disk."""
        return sum(segment.frames for first, segment in self.segments.items() if self._path(first).exists())

    def _new_draft(self) -> Path:
        return self.folder / f"segment.{secrets.token_hex(8)}"

    def _write(self, name: str, data: bytes) -> None:
        with safe_files.create(self.folder / name) as file:
            file.write(data)
            _sync(file)

    def _count(self, draft: Path, segment: Segment) -> None:
        draft.replace(self._path(segment.first))
        self.segments[segment.first] = segment
        sync_folder(self.folder)

    def _key(self) -> dict[str, Any] | None:
        try:
            with safe_files.open_own(self.folder / "key.json") as file:
                key = json.loads(file.read(_KEY_SIZE))
            return key if key["format"] == _FORMAT else None
        except FileNotFoundError:
            return None
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            RecursionError,
        ):  # damaged, or of another version
            self.unusable = True
            return None

    def _load(self) -> dict[int, Segment]:
        """What is there of segments, and as it was written."""
        found = {}
        for path in list(self._finished()):
            try:
                with safe_files.open_own(path) as file:
                    segment = read_segment(file)
                if self._path(segment.first) != path:
                    raise ValueError("another's")
                found[segment.first] = segment
            except (OSError, ValueError):
                safe_files.remove(path)
                self.unusable = True
        return found

    def _remove_unless_own(self, path: Path) -> None:
        """Remove what is no regular file of one's own: others may have been able to write to the folder."""
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
    """In place of a journal: what is written is gone at once, and there is nothing to go on from."""

    target: Location = Path("-")
    path = Path("pipe:1")  # FFmpeg's name for it
    done = False

    def acquire(self) -> None:
        """There is nothing to lock."""

    def add(self, packet: "Packet[Any]") -> None:
        """Nothing is kept."""

    def rename_partial(self) -> Location:
        """It has no name that could tell."""
        return self.target

    def commit(self) -> None:
        """Nothing is left to do."""

    def close(self, *, done: bool) -> None:
        """Nothing can be taken back."""


def open_journal(
    target: Location, *, overwrite: bool, sources: tuple[Location, ...] = ()
) -> Journal | StandardOutput:
    """Where a video is made: standard output for `-`, otherwise a folder beside the file; of a Url, one here.

    Raises:
        MediaError: as AtomicFile; or as Journal.
    """
    if target == StandardOutput.target:
        return StandardOutput()
    if isinstance(target, Url):
        if is_among(target, sources):
            raise MediaError(f"{target} is the source itself; name another file to write.")
        target.check_writable(overwrite=overwrite)
        return Journal(target, staging(target), overwrite=overwrite, sources=sources)
    check_target(target, overwrite=overwrite, sources=sources)
    return Journal(target, target, overwrite=overwrite, sources=sources)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; Windows does that by itself."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_taken(place: Location) -> bool:
    return os.path.lexists(place) if isinstance(place, Path) else place.exists()


def _folder(target: Path) -> Path:
    """A hidden name beside the target; long ones are shortened, and told apart by a hash."""
    name = target.name
    if len(os.fsencode(name)) > 200:
        name = f"{name[:40]}-{sha256(os.fsencode(name)).hexdigest()[:16]}"
    return target.with_name(f".{name}.cartoonize")


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
