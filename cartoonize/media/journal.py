"""What a killed run leaves to go on from: the packets of the segments that were finished, and their state.

A segment is a stretch of frames that an encoder of its own has compressed, so that it stands alone. Its
packets are kept as the encoder gave them, not in a container of their own: NUT refuses negative times and
derives dts, Matroska rounds to 1 ms, MPEG-TS to 1/90000 s, and MP4 is nothing without the index at its end,
while the finished file has to have the times of one that was written in one go, to the tick.
"""

import json
import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, get_args
from zipfile import BadZipFile

from av.packet import Packet, PacketSideData, PktSideDataT
from filelock import FileLock, Timeout

from ..errors import BusyError, WriteError
from ..pending import check_target

# pts, dts, duration, whether a decoder can start here, number of side data, bytes
_PACKET = struct.Struct("<qqqBBI")
_SIDE = struct.Struct("<II")  # kind and bytes
_NONE = -(1 << 63)  # FFmpeg's AV_NOPTS_VALUE
_UNTOLD = "quality_stats"  # what the encoder thinks of its work; no container holds it
_FORMAT = 1  # of all this; what another version left is not gone on from


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is needed to go on after `frames` frames.

    `mark` is the source's, `memory` the stabilizer's: arrays by name. `last` is the pts of the last frame
    as it was written.
    """

    frames: int
    mark: dict[str, Any]
    last: int
    memory: dict[str, Any] = field(default_factory=dict)


class Journal:
    """The folder `.NAME.cartoonize` beside a video, in which it is made.

        NAME            the unfinished video
        packets         those of the picture, one segment after another
        state.json      how many of them count, of which source, style and options they are
        memory-N.npz    what the stabilizer knew after frame N
        lock            held by the process at work

    A segment counts from the moment at which `state.json` names its end: everything else is on the disk by
    then, so that a process or a computer may stop at any time.

    Raises:
        BusyError: another process works on the same video.
        WriteError: the folder cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self.target, self.folder = target, _folder(target)
        self.path = self.folder / target.name
        self.checkpoint: Checkpoint | None = None
        self._log: BinaryIO | None = None
        self._bytes = self._crc = 0
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = FileLock(self.folder / "lock")
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(f"Another process is writing {target}; wait for it, or stop it.") from error
        except OSError as error:
            raise WriteError.of(target, error) from error
        with suppress(OSError):
            self.path.unlink()  # of a run that was killed

    def open(self, key: dict[str, Any], *, resume: bool) -> list[str]:
        """Begin to keep segments, after those of an earlier run of the same `key` if `resume` is true.

        The answer says what of the key has changed since then, if there was such a run.
        """
        self._key = json.loads(json.dumps(key))
        state = self._load() if resume else None
        changed = sorted(name for name in self._key if state and state["key"].get(name) != self._key[name])
        if state is None or changed or not self._take(state):
            self._clear()
        self._log = (self.folder / "packets").open("ab")
        self._log.truncate(self._bytes)
        return changed

    def packets(self) -> Iterator["Packet[Any]"]:
        """Those of all finished segments, without stream and time base."""
        left = self._bytes
        with (self.folder / "packets").open("rb") as log:
            while left > 0:
                packet, size = _read(log)
                left -= size
                yield packet

    def add(self, packet: "Packet[Any]") -> None:
        """Append a packet to the segment at work."""
        if self._log is not None:
            for chunk in _chunks(packet):
                self._log.write(chunk)
                self._crc = zlib.crc32(chunk, self._crc)
                self._bytes += len(chunk)

    def end_segment(self, checkpoint: Checkpoint) -> None:
        """Let all packets so far count."""
        import numpy as np

        assert self._log is not None
        self._log.flush()
        os.fsync(self._log.fileno())
        if checkpoint.memory:
            with self._memory(checkpoint.frames).open("wb") as file:
                np.savez(file, **checkpoint.memory)
                _sync(file)
        self._save(checkpoint)
        if self.checkpoint is not None:
            self._memory(self.checkpoint.frames).unlink(missing_ok=True)
        self.checkpoint = checkpoint

    def commit(self) -> None:
        """Give the finished video its name, and remove everything else.

        It is on the disk before the segments go: no failure of power can take both.
        """
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        sync_folder(self.target.parent)
        self.close(done=True)

    def close(self, *, done: bool) -> None:
        """Release the folder. It stays if there are finished segments in it and the video is not `done`."""
        if self._log is not None:
            with suppress(OSError):  # what is lost with a full disk does not count yet
                self._log.close()
        keep = not done and (self.folder / "state.json").exists()
        with suppress(OSError):
            self.path.unlink()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    def _save(self, checkpoint: Checkpoint) -> None:
        """Replace the state at one stroke."""
        told = {name: value for name, value in asdict(checkpoint).items() if name != "memory"}
        told["memory"] = bool(checkpoint.memory)
        state = {"format": _FORMAT, "key": self._key, "bytes": self._bytes, "crc": self._crc, **told}
        draft = self.folder / "state.json.new"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
            _sync(file)
        draft.replace(self.folder / "state.json")
        sync_folder(self.folder)

    def _load(self) -> dict[str, Any] | None:
        try:
            state = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
            return state if state["format"] == _FORMAT and isinstance(state["key"], dict) else None
        except (OSError, ValueError, LookupError, TypeError):  # no earlier run, or somebody else's file
            return None

    def _take(self, state: dict[str, Any]) -> bool:
        """Take over what a state names, if all of it is still there."""
        import numpy as np

        try:
            with (self.folder / "packets").open("rb") as log:
                if _crc(log, state["bytes"]) != state["crc"]:
                    return False
            arrays = {}
            if state["memory"]:
                with (
                    self._memory(state["frames"]).open("rb") as file,
                    np.load(file, allow_pickle=False) as stored,
                ):
                    arrays = dict(stored)
        except (OSError, ValueError, LookupError, TypeError, BadZipFile):
            return False
        self._bytes, self._crc = state["bytes"], state["crc"]
        self.checkpoint = Checkpoint(state["frames"], state["mark"], state["last"], arrays)
        return True

    def _clear(self) -> None:
        for file in self.folder.iterdir():
            if file.name == "packets" or file.name.startswith(("state.json", "memory-")):
                file.unlink()

    def _memory(self, frames: int) -> Path:
        return self.folder / f"memory-{frames}.npz"


class StandardOutput:
    """In place of a journal: what is written is gone at once, and there is nothing to go on from."""

    target = Path("-")
    path = Path("pipe:1")  # FFmpeg's name for it
    checkpoint = None

    def add(self, packet: "Packet[Any]") -> None:
        """Nothing is kept."""

    def commit(self) -> None:
        """Nothing is left to do."""

    def close(self, *, done: bool) -> None:
        """Nothing can be taken back."""


def open_journal(target: Path, *, overwrite: bool) -> Journal | StandardOutput:
    """Where a video is made: standard output for `-`, otherwise a folder beside the file.

    Raises:
        MediaError: as PendingFile; or as Journal.
    """
    if target == StandardOutput.target:
        return StandardOutput()
    check_target(target, overwrite=overwrite)
    return Journal(target)


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


def _crc(file: BinaryIO, size: int) -> int:
    """Checksum of the first `size` bytes; -1 if there are fewer."""
    crc = 0
    while size > 0:
        chunk = file.read(min(size, 1 << 20))
        if not chunk:
            return -1
        crc, size = zlib.crc32(chunk, crc), size - len(chunk)
    return crc


def _chunks(packet: "Packet[Any]") -> Iterator[bytes]:
    side = [data for data in packet.iter_sidedata() if data.data_type != _UNTOLD]
    times = (_NONE if time is None else time for time in (packet.pts, packet.dts, packet.duration))
    yield _PACKET.pack(*times, packet.is_keyframe, len(side), packet.size)
    yield bytes(packet)
    for data in side:
        yield _SIDE.pack(get_args(PktSideDataT).index(data.data_type), data.data_size)
        yield bytes(data)


def _read(log: BinaryIO) -> "tuple[Packet[Any], int]":
    """The next packet and the bytes that it takes in the log."""
    pts, dts, duration, key, sides, size = _PACKET.unpack(log.read(_PACKET.size))
    packet: Packet[Any] = Packet(log.read(size))
    packet.pts, packet.dts = (None if time == _NONE else time for time in (pts, dts))
    packet.duration, packet.is_keyframe = duration, bool(key)
    read = _PACKET.size + size
    for _ in range(sides):
        kind, length = _SIDE.unpack(log.read(_SIDE.size))
        data = PacketSideData(kind, length)  # type: ignore[call-arg]  # missing from PyAV's stubs
        data.update(log.read(length))
        packet.set_sidedata(data)
        read += _SIDE.size + length
    return packet, read
