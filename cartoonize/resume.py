"""Going on where a run was stopped, so that the result is that of a run that was not.

A video is drawn in segments of some seconds, which know nothing of each other: the encoder and the stabilizer
begin anew. At the end of each, its packets and its place in the source are laid down (media/journal.py).
Segments are cut by counting frames, and are whole batches, so that they fall on the same frames however often
a run is stopped, and each frame is drawn in the same company.
"""

import os
from dataclasses import asdict
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from .errors import ModelError
from .media import Sink, Source, VideoSink, VideoSource
from .media.encoding import versions
from .media.ffmpeg import ffmpeg_errors
from .media.video import STREAMED
from .stabilizer import Stabilizer
from .styles import find
from .version import __version__

SEGMENT = 120
"""Frames of a segment, rounded up to whole batches: what a killed run can lose. Each costs a keyframe, and
the encoder, which works on some frames at once, runs empty; at 24 frames/s that is every five seconds."""

_SAMPLE = 1 << 16  # bytes of each place of a source that are looked at


class Course:
    """Ends the segments of a video as its frames pass. With pictures, which have none, it does nothing."""

    def __init__(self, source: Source, sink: Sink, stabilizer: Stabilizer | None, batch: int) -> None:
        self._source, self._sink, self._stabilizer = source, sink, stabilizer
        self._batch, self._every = batch, -(-SEGMENT // batch) * batch

    def begin(self, style: str, ran: list[str], *, anew: bool) -> int:
        """Go on where an earlier run stopped, unless `anew`; gives the frames that are done.

        An earlier run counts if source, style, options and versions are the same, and what `ran`: runtime,
        device and precision.
        """
        source, sink = self._source, self._sink
        if not (
            isinstance(source, VideoSource)
            and source.path != STREAMED
            and isinstance(sink, VideoSink)
            and sink.resumable
        ):
            self._every = 0
            return 0
        source.every = self._every
        done = sink.resume(self._key(source, sink, style, ran), anew=anew)
        if done is None:
            return 0
        source.go_on(done.end, done.mark)
        return done.end

    def passed(self, frames: int) -> None:
        """End a segment, if one ends after so many frames."""
        if self._every and frames % self._every == 0:
            assert isinstance(self._source, VideoSource)
            assert isinstance(self._sink, VideoSink)
            self._sink.end_segment(self._source.marks.pop(frames))
            if self._stabilizer:
                self._stabilizer.begin_anew()

    def _key(self, source: VideoSource, sink: VideoSink, style: str, ran: list[str]) -> dict[str, Any]:
        """All that decides what the frames look like, under the names that notices use."""
        return {
            "source": _source_identity(source.path),
            "style": _style_identity(style),
            "range": [source.start, source.end],
            "decoding": {name: str(value) for name, value in asdict(source.decoding).items()},
            "device": ran,
            "batch": [self._batch, self._every],
            "stabilizer": self._stabilizer is not None,
            "encoding": asdict(sink.encoding),
            "program": {"cartoonize": __version__, **versions()},
        }


def _source_identity(path: Path) -> dict[str, Any]:
    """Size, time, and a hash of the beginning, the middle and the end."""
    digest = sha256()
    with ffmpeg_errors(path), path.open("rb") as file:
        told = os.fstat(file.fileno())
        for place in (0, told.st_size // 2, max(0, told.st_size - _SAMPLE)):
            file.seek(place)
            digest.update(file.read(_SAMPLE))
    return {"size": told.st_size, "time": told.st_mtime_ns, "parts": digest.hexdigest()}


def _style_identity(style: str) -> str:
    """A hash of the style file; of back ends that were not made of one, the caller's name for it."""
    try:
        path = find(style)
    except ModelError:
        return style
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
