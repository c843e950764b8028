"""Segments as a VideoSink would make them, into the memory: for a film that is put together elsewhere."""

import io
from collections import deque
from types import TracebackType
from typing import Self

from ...core.frames import Frame
from ..encoding import Encoding
from ..ffmpeg import ffmpeg_errors
from ..video_info import Film
from .encoder import Encoder
from .segments import Mark, Segment, SegmentWriter


class SegmentSink:
    """Takes the frames of a film from anywhere on; `finished` gets each segment, and the file that it makes.

    `container` is the format of the video that they are for, by FFmpeg's name; `size` is as in `open_sink`.

    Raises:
        MediaError: as Encoder.
    """

    def __init__(
        self, source: Film, encoding: Encoding, container: str, size: tuple[int, int] | None = None
    ) -> None:
        self.notices: list[str] = []
        self.finished: deque[tuple[Segment, bytes]] = deque()
        self._path = source.path
        self._encoder = Encoder(source, encoding, container, self.notices, size)
        self._begin()

    def _begin(self) -> None:
        self._file = io.BytesIO()
        self._writer = SegmentWriter(self._file)

    def go_on(self, first: int, before: Mark, last: int | None) -> None:
        """Begin behind the first frames; see Encoder."""
        self._encoder.go_on(first, before, last)

    def write(self, frame: Frame) -> None:
        """Encode a frame."""
        with ffmpeg_errors(self._path):
            for packet in self._encoder.write(frame):
                self._writer.add(packet)

    def end_segment(self, mark: Mark) -> None:
        """Finish a segment; `mark` is the source's of its last frame."""
        with ffmpeg_errors(self._path):
            for packet in self._encoder.end():
                self._writer.add(packet)
        segment = self._encoder.segment(mark)
        self._writer.end(segment)
        self.finished.append((segment, self._file.getvalue()))
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to release."""
