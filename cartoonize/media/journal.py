"""What a killed run leaves to go on from: the segments that were finished, each a file (see segments.py)."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from av.packet import Packet
from filelock import FileLock, Timeout

from ..errors import BusyError, WriteError
from ..pending import check_target
from .remote import Place, Url, staging
from .segments import Segment, SegmentWriter, read_packets, read_segment

_FORMAT = 2  # of all this; what another version left is not gone on from


class Journal:
    """The folder `.NAME.cartoonize` beside a video, in which it is made, or beside another path.

        NAME            the unfinished video
        key.json        of which source, style and options the segments are
        segment-N       the segment behind the first N frames
        segment.*       what is not whole yet
        lock            held by the process at work

    A segment counts from the moment at which it has its name: all of it is on the disk by then, so that a
    process or a computer may stop at any time. `segments` are those that count, by their first frame; they
    may be finished in any order.

    Raises:
        BusyError: another process works on the same video.
        WriteError: the folder cannot be made.
    """

    def __init__(self, target: Place, beside: Path) -> None:
        self.target, self.folder = target, _folder(beside)
        self.path = self.folder / target.name
        self.segments: dict[int, Segment] = {}
        self._open = False  # whether segments are kept
        self._writer: SegmentWriter | None = None
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = FileLock(self.folder / "lock")
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(f"Another process is writing {target}; wait for it, or stop it.") from error
        except OSError as error:
            raise WriteError.of(beside, error) from error
        with suppress(OSError):
            self.path.unlink()  # of a run that was killed

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
        with self._path(segment.first).open("rb") as file:
            yield from read_packets(file)

    def add(self, packet: "Packet[Any]") -> None:
        """Append a packet to the segment at work."""
        if self._open:
            self._writer = self._writer or SegmentWriter((self.folder / "segment.new").open("wb"))
            self._writer.add(packet)

    def end_segment(self, segment: Segment) -> None:
        """Let the segment at work count."""
        assert self._writer is not None
        self._writer.end(segment)
        _sync(self._writer.file)
        self._writer.file.close()
        self._writer = None
        self._count("segment.new", segment)

    def put_segment(self, segment: Segment, data: bytes) -> None:
        """Let one count that was written elsewhere, by a SegmentWriter."""
        self._write("segment.in", data)
        self._count("segment.in", segment)

    def commit(self) -> None:
        """Give the finished video its name, and remove everything else.

        It is on the disk before the segments go: no failure of power can take both.
        """
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        if isinstance(self.target, Url):
            self.target.upload(self.path)
        else:
            self.path.replace(self.target)
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

    def _write(self, name: str, data: bytes) -> None:
        with (self.folder / name).open("wb") as file:
            file.write(data)
            _sync(file)

    def _count(self, draft: str, segment: Segment) -> None:
        (self.folder / draft).replace(self._path(segment.first))
        self.segments[segment.first] = segment
        sync_folder(self.folder)

    def _key(self) -> dict[str, Any] | None:
        try:
            key = json.loads((self.folder / "key.json").read_text(encoding="utf-8"))
            return key if key["format"] == _FORMAT else None
        except (OSError, ValueError, LookupError, TypeError):  # damaged, or of another version
            return None

    def _load(self) -> dict[int, Segment]:
        """What is there of segments, and as it was written."""
        found = {}
        for path in list(self._finished()):
            try:
                with path.open("rb") as file:
                    segment = read_segment(file)
                if self._path(segment.first) != path:
                    raise ValueError("another's")
                found[segment.first] = segment
            except (OSError, ValueError):
                path.unlink(missing_ok=True)
        return found

    def _finished(self) -> Iterator[Path]:
        return self.folder.glob("segment-*")

    def _clear(self) -> None:
        for path in (self.folder / "key.json", *self.folder.glob("segment*")):
            path.unlink(missing_ok=True)
        sync_folder(self.folder)

    def _path(self, first: int) -> Path:
        return self.folder / f"segment-{first}"


class StandardOutput:
    """In place of a journal: what is written is gone at once, and there is nothing to go on from."""

    target: Place = Path("-")
    path = Path("pipe:1")  # FFmpeg's name for it

    def add(self, packet: "Packet[Any]") -> None:
        """Nothing is kept."""

    def commit(self) -> None:
        """Nothing is left to do."""

    def close(self, *, done: bool) -> None:
        """Nothing can be taken back."""


def open_journal(target: Place, *, overwrite: bool) -> Journal | StandardOutput:
    """Where a video is made: standard output for `-`, otherwise a folder beside the file; of a Url, one here.

    Raises:
        MediaError: as PendingFile; or as Journal.
    """
    if target == StandardOutput.target:
        return StandardOutput()
    if isinstance(target, Url):
        target.check_writable(overwrite=overwrite)
        return Journal(target, staging(target))
    check_target(target, overwrite=overwrite)
    return Journal(target, target)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; Windows does that by itself."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _folder(target: Path) -> Path:
    """A hidden name beside the target; long ones are shortened, and told apart by a hash."""
    name = target.name
    if len(os.fsencode(name)) > 200:
        name = f"{name[:40]}-{sha256(os.fsencode(name)).hexdigest()[:16]}"
    return target.with_name(f".{name}.cartoonize")


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
