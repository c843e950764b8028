"""Going on where a run was stopped, so that the result is that of a run that was not.

A video is drawn in segments of some seconds, which know nothing of each other: the encoder and the stabilizer
begin anew. At the end of each, its packets and its place in the source are laid down (media/journal.py).
Segments are cut by counting frames, and are whole batches, so that they fall on the same frames however often
a run is stopped, and each frame is drawn in the same company.
"""

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from ..core.draw_size import enlarge
from ..core.errors import ModelError
from ..core.frames import Frame, Image
from ..effects.compositing import Retouch
from ..effects.stabilizer import Stabilizer
from ..media import Encoding, SegmentSink, Sink, Source, VideoSink, VideoSource
from ..media.encoding import versions
from ..media.ffmpeg import ffmpeg_errors
from ..media.reading.video_source import STREAMED
from ..media.remote import Location
from ..styles import find_style
from ..styles.user import sha256_of
from ..version import __version__

SEGMENT = 120
"""Frames of a segment, rounded up to whole batches: what a killed run can lose. Each costs a keyframe, and
the encoder, which works on some frames at once, runs empty; at 24 frames/s that is every five seconds."""

_SAMPLE = 1 << 16  # bytes of each place of a source that are looked at


class SegmentedRun:
    """Ends the segments of a video as its frames pass. With pictures, which have none, it does nothing.

    `retouch` is done with each drawing, after the stabilizer.
    """

    def __init__(
        self, source: Source, sink: Sink | SegmentSink, *, stabilize: bool, retouch: Retouch | None = None
    ) -> None:
        self._source, self._sink = source, sink
        self._stabilizer = Stabilizer() if stabilize else None
        self._retouch = retouch or Retouch()
        self._every = self._passed = self._ended = self._finished = 0

    def begin(self, style: str, ran: list[str], batch: int, *, anew: bool) -> int:
        """Go on where an earlier run stopped, unless `anew`; gives the frames that are done.

        An earlier run counts if source, style, options and versions are the same, and what `ran`: runtime,
        device and precision, on `batch` frames at once.
        """
        source, sink = self._source, self._sink
        if not isinstance(source, VideoSource) or not isinstance(sink, VideoSink):
            return 0
        if source.path == STREAMED or not sink.resumable:
            return 0
        every = segment_length(batch)
        self.begin_behind(0, every)
        steady = self._stabilizer is not None
        key = identity(source, sink.encoding, style, ran, batch, stabilized=steady, retouch=self._retouch)
        done = sink.resume(key, anew=anew)
        if done is not None:
            source.go_on(done.end, done.mark)
            self.begin_behind(done.end, every)
        return self._passed

    def begin_behind(self, frames: int, every: int) -> None:
        """Cut segments of `every` frames from here on, the first `frames` of the video being done."""
        assert isinstance(self._source, VideoSource)
        self._passed = self._ended = self._finished = frames
        self._source.every = self._every = every

    def finish(self, frame: Frame, drawing: Image) -> Frame:
        """What to write of each frame of the source and its drawing; to be called in order.

        It may be called ahead of `passed`, and in another thread.
        """
        if self._stabilizer:
            if self._every and self._finished % self._every == 0:
                self._stabilizer.begin_anew()
            drawing = self._stabilizer.hold(frame.image, drawing)
        self._finished += 1
        return self._retouch(frame, enlarge(drawing, frame.size))

    def passed(self) -> None:
        """A frame was written: end a segment, if one ends with it."""
        self._passed += 1
        if self._every and self._passed % self._every == 0:
            self.end_segment()

    def end_segment(self) -> None:
        """End the segment at work, if there is a frame in it."""
        assert isinstance(self._source, VideoSource)
        assert isinstance(self._sink, VideoSink | SegmentSink)
        if self._passed > self._ended:
            self._sink.end_segment(self._source.marks.pop(self._passed))
            self._ended = self._passed


def identity(
    source: VideoSource,
    encoding: Encoding,
    style: str,
    ran: list[str],
    batch: int,
    *,
    stabilized: bool,
    retouch: Retouch,
) -> dict[str, Any]:
    """All that decides what the frames look like, under the names that notices use."""
    return {
        "source": source_identity(source.path),
        "style": _style_identity(style),
        "range": [source.start, source.end],
        "decoding": {name: str(value) for name, value in asdict(source.decoding).items()},
        "device": ran,
        "batch": [batch, segment_length(batch)],
        "stabilizer": stabilized,
        "look": asdict(retouch),
        "encoding": asdict(encoding),
        "program": {"cartoonize": __version__, **versions()},
    }


def segment_length(batch: int) -> int:
    """Frames of a segment where the network draws `batch` of them at once."""
    return -(-SEGMENT // batch) * batch


def source_identity(path: Location) -> dict[str, Any]:
    """Size, time, and a hash of the beginning, the middle and the end."""
    digest = sha256()
    with ffmpeg_errors(path), path.open("rb") as file:
        told = path.stat()
        for place in (0, told.st_size // 2, max(0, told.st_size - _SAMPLE)):
            file.seek(place)
            digest.update(file.read(_SAMPLE))
    return {"size": told.st_size, "time": told.st_mtime_ns, "parts": digest.hexdigest()}


def _style_identity(style: str) -> str:
    """A hash of the style file; of back ends that were not made of one, the caller's name for it."""
    try:
        path = find_style(style)
    except ModelError:
        return style
    return sha256_of(path)
