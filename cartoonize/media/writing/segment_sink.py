"""Writes segments to memory, as VideoSink does to files: for a video that another machine assembles."""

import io
from collections import deque

from ...core.containers import container_named
from ...core.frames import Frame
from ...core.yuv import YuvWeights
from ..encoding import Encoding
from ..ffmpeg import ffmpeg_errors
from ..segment import FrameMark, Segment
from ..sink import SegmentedSink
from ..video_info import VideoInfo
from .encoder import Encoder
from .segments import SegmentWriter


class SegmentSink(SegmentedSink):
    """Takes the frames of a video from any frame on; `finished` gets each segment, and its data.

    `muxer` is FFmpeg's name of the container that will hold them; `size` is as in `open_sink`.

    Raises:
        MediaError: as Encoder.
    """

    def __init__(
        self, video: VideoInfo, encoding: Encoding, muxer: str, size: tuple[int, int] | None = None
    ) -> None:
        self.finished: deque[tuple[Segment, bytes]] = deque()
        self._path = video.path
        self._encoder = Encoder(video, encoding, container_named(muxer), self.notices, size)
        self._start_segment()

    def _start_segment(self) -> None:
        self._file = io.BytesIO()
        self._writer = SegmentWriter(self._file)

    @property
    def yuv_weights(self) -> YuvWeights | None:
        """See Sink."""
        return self._encoder.yuv_weights

    def continue_after(self, frames: int, mark: FrameMark, last_pts: int | None) -> None:
        """Begin after the first `frames` frames; see Encoder."""
        self._encoder.continue_after(frames, mark, last_pts)

    def write(self, frame: Frame) -> None:
        """Encode a frame."""
        with ffmpeg_errors(self._path):
            for packet in self._encoder.write(frame):
                self._writer.add(packet)

    def end_segment(self, mark: FrameMark) -> None:
        """Finish a segment; `mark` is the source's mark of its last frame."""
        with ffmpeg_errors(self._path):
            for packet in self._encoder.end():
                self._writer.add(packet)
        segment = self._encoder.describe_segment(mark)
        self._writer.end(segment)
        self.finished.append((segment, self._file.getvalue()))
        self._start_segment()
