"""The finished segments of a video, in a folder: each in a file of its own (see segments.py)."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from av.packet import Packet

from ...core import safe_files
from ..segment import Segment
from .segments import SegmentWriter, read_packets, read_segment

_FORMAT = 2  # the version of the files in the folder; a run does not continue from those of another version
_MAX_KEY_SIZE = 1 << 20  # bytes; a key has some hundreds


class SegmentStore:
    """The segments in `folder`, which nobody else can write to.

        key.json        source, style and options of the segments
        segment-N       the segment after the first N frames
        segment.*       a segment that is being written

    A segment counts from the moment that it has its name: all of it is on the disk then, so a process or a
    computer may stop at any time. `segments` holds those that count, by their first frame; they may be
    finished in any order. `unusable` tells whether something was found that this program did not leave like
    that.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segments: dict[int, Segment] = {}
        self.unusable = False
        self._open = False  # whether segments are kept
        self._writer: SegmentWriter | None = None
        self._draft = folder

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
        """Add a finished segment that a SegmentWriter wrote elsewhere.

        Raises:
            ValueError: the data is damaged or incomplete, or that of another segment.
        """
        if read_segment(BytesIO(data)) != segment:
            raise ValueError("damaged")
        draft = self._new_draft()
        self._write(draft.name, data)
        self._name_segment(draft, segment)

    def close(self) -> None:
        """Give up the current segment."""
        if self._writer is not None:
            with suppress(OSError):  # on a full disk; the segment does not count yet
                self._writer.file.close()
        for path in self.folder.glob("segment.*"):
            with suppress(OSError):
                path.unlink()

    def is_empty(self) -> bool:
        """Whether no finished segment is on the disk."""
        return not any(self._finished())

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
        self.segments[segment.first] = segment  # first, as a signal may come after the renaming
        draft.replace(self._path(segment.first))
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

    def _finished(self) -> Iterator[Path]:
        return self.folder.glob("segment-*")

    def _clear(self) -> None:
        for path in (self.folder / "key.json", *self.folder.glob("segment*")):
            safe_files.remove(path)
        sync_folder(self.folder)

    def _path(self, first: int) -> Path:
        return self.folder / f"segment-{first}"


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; Windows needs no call for this."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
