"""Resuming: a stopped run continues, and its result equals that of an uninterrupted run.

A video is converted in independent segments of some seconds: the encoder and the effects restart with each.
At the end of a segment, its packets and its position in the source are saved (media/writing/journal.py).
Segments have a fixed number of frames, and batches end with them. So segments begin at the same frames, and
each frame is drawn in the same batch, however often a run is stopped.
"""

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from ..core.errors import ModelError
from ..effects.look import Look
from ..media import Encoding, ResumableSink, ResumableSource, SegmentedSink
from ..media.encoding import versions
from ..media.ffmpeg import ffmpeg_errors
from ..media.remote import Location
from ..styles import find_style
from ..styles.user import sha256_of
from ..version import __version__
from .pipeline import segment_length

_SAMPLE = 1 << 16  # bytes that are hashed at each of three places of a source


class SegmentedRun:
    """Counts the frames that are written, and ends a segment after every `length` of them.

    `written` counts the frames of an earlier run too. Without `begin`, as for pictures, `length` is 0, and
    there are no segments.
    """

    def __init__(self) -> None:
        self._segmented: tuple[ResumableSource, SegmentedSink] | None = None
        self.length = 0
        self.written = self._ended = 0

    def begin(
        self, source: ResumableSource, sink: ResumableSink, key: dict[str, Any], length: int, *, resume: bool
    ) -> None:
        """Cut segments of `length` frames; if `resume` is true, continue an earlier run of the same `key`.

        `key` is everything on which the frames of the output depend; see `identity`.
        """
        self.begin_at(source, sink, 0, length)
        last = sink.resume(key, restart=not resume)
        if last is not None:
            source.resume_after(last.end, last.mark)
            self.begin_at(source, sink, last.end, length)

    def begin_at(self, source: ResumableSource, sink: SegmentedSink, frame: int, length: int) -> None:
        """Cut segments of `length` frames; the first begins at frame number `frame` of the video."""
        self._segmented = source, sink
        self.written = self._ended = frame
        source.mark_interval = self.length = length

    def frame_written(self) -> None:
        """Count a frame, and end a segment if it was the last of one."""
        self.written += 1
        if self.length and self.written % self.length == 0:
            self.end_segment()

    def end_segment(self) -> None:
        """End the current segment, if it has frames."""
        if self._segmented and self.written > self._ended:
            source, sink = self._segmented
            sink.end_segment(source.marks.pop(self.written))
            self._ended = self.written


def identity(
    source: ResumableSource, encoding: Encoding, style: str, backend: list[str], look: Look, batch: int
) -> dict[str, Any]:
    """Everything on which the frames of the output depend, under the names that notices use."""
    return {
        "source": source_identity(source.path),
        "style": _style_identity(style),
        "range": [source.start, source.end],
        "decoding": {name: str(value) for name, value in asdict(source.decoding).items()},
        "device": backend,
        "batch": [batch, segment_length(batch)],
        **look.identity(),
        "encoding": asdict(encoding),
        "program": {"cartoonize": __version__, **versions()},
    }


def source_identity(path: Location) -> dict[str, Any]:
    """Size, time of the last change, and a hash of the beginning, the middle and the end of a file."""
    digest = sha256()
    with ffmpeg_errors(path), path.open("rb") as file:
        status = path.stat()
        for offset in (0, status.st_size // 2, max(0, status.st_size - _SAMPLE)):
            file.seek(offset)
            digest.update(file.read(_SAMPLE))
    return {"size": status.st_size, "time": status.st_mtime_ns, "parts": digest.hexdigest()}


def _style_identity(style: str) -> str:
    """A hash of the style file; the caller's name for a backend that was not made from a file."""
    try:
        path = find_style(style)
    except ModelError:
        return style
    return sha256_of(path)
