"""Writes a video file: frames with their times, and the other streams of the source.

Pixel aspect, colour tags, sound, subtitles, chapters and metadata are kept. passthrough.py writes everything
except the picture.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from ...core.errors import MediaError, WriteError
from ...core.frames import Frame
from ...core.yuv import YuvWeights
from ..encoding import Encoding
from ..ffmpeg import write_errors
from ..remote import Location, open_container
from ..segment import FrameMark, Segment
from ..sink import ResumableSink
from ..video_info import VideoInfo
from .avif import convert_to_avif, intermediate_container, needs_pillow, repetition_notices
from .encoder import Encoder
from .journal import Journal, open_journal
from .last_frame import set_animation_length
from .matroska import set_display_size
from .output import choose_container, close_output, open_output
from .passthrough import open_passthrough
from .segment_store import SegmentStore
from .video_stream import add_video_stream, start_encoding


class VideoSink(ResumableSink):
    """Writes frames, and the other streams of the source, to a video file.

    The file appears under its name when the `with` block ends normally. After `resume`, finished segments
    outlive an error, or the process, in a folder beside the file (see journal.py). If writing a `recording`
    fails, NAME.partial.SUFFIX appears, as far as it was written and if it can be read.

    Raises:
        MediaError: as AtomicFile; or the encoder or the container is unknown. On entering: they do not go
            together, or another process writes the same file. While writing: the disk is full.
    """

    def __init__(
        self,
        path: Location,
        video: VideoInfo,
        *,
        encoding: Encoding,
        overwrite: bool,
        size: tuple[int, int] | None = None,
        recording: bool = False,
    ) -> None:
        self.path, self.encoding = path, encoding
        self._video, self._is_recording = video, recording
        self._is_ended = False  # whether the encoder was asked for what it holds back
        self._last_dts: int | None = None
        self._begin: Fraction | None = None  # the second of the first frame
        self._end = Fraction(0)  # the second at which the last frame ends
        self._journal = open_journal(path, overwrite=overwrite, sources=(video.path,))
        self._format = choose_container(self._journal.target, encoding.format)
        # The durations of the frames in seconds, if Pillow writes them at the end.
        self._durations: list[float] | None = None
        is_file = isinstance(self._journal, Journal) and not recording
        if is_file and needs_pillow(self._format, video, encoding):
            self._format, self._durations = intermediate_container(), []
            self.notices += repetition_notices(video)
        self._encoder = Encoder(video, encoding, self._format, self.notices, size)

    def open(self) -> None:
        """Lock the folder in which the file is made, open the container, and write its header."""
        with ExitStack() as on_error:
            self._journal.acquire()
            on_error.callback(self._journal.close, done=False)
            with write_errors(self.path):
                self._container = on_error.enter_context(
                    open_output(
                        self._journal.path, self.muxer, self._video.plays, recording=self._is_recording
                    )
                )
                self._stream = add_video_stream(self._container, self._encoder)
                self._passthrough = open_passthrough(
                    self._video.other_streams,
                    self._container,
                    audio=self.encoding.audio,
                    notices=self.notices,
                )
                on_error.callback(self._passthrough.close)
                self._start()
            on_error.pop_all()

    @property
    def resumable(self) -> "VideoSink | None":
        """The sink itself, if it writes to a file, by an encoder that can continue after another."""
        return self if self._encoder.restartable and isinstance(self._journal, Journal) else None

    @property
    def yuv_weights(self) -> YuvWeights | None:
        """See Sink."""
        return self._encoder.yuv_weights

    @property
    def muxer(self) -> str:
        """FFmpeg's name of the container that is written."""
        return self._format.muxer

    @property
    def finished(self) -> Mapping[int, Segment]:
        """The finished segments by their first frames, also those that do not follow one another yet."""
        return self._segments.segments

    def resume(self, key: dict[str, Any], *, restart: bool) -> Segment | None:
        """As ResumableSink."""
        with write_errors(self.path):
            changed = self._segments.open(key, resume=not restart)
        if changed:
            what = "The " + " and the ".join(changed)
            verb = "has" if len(changed) == 1 else "have"
            self.notices.append(
                f"{what} {verb} changed since {self.path.name} was interrupted; it was converted from the "
                "start."
            )
        elif self._segments.unusable:
            self.notices.append(
                f"Parts of what an earlier run left of {self.path.name} could not be used; they were "
                "converted again."
            )
        last = None
        for last in self._segments.leading():
            self.append(last)
        return last

    def append(self, segment: Segment) -> None:
        """As ResumableSink."""
        with write_errors(self.path):
            for packet in self._segments.packets(segment):
                packet.time_base = self._encoder.time_base
                self._mux(packet)
                self._passthrough.copy_until(float((packet.pts or 0) * packet.time_base))
        self._encoder.continue_after(segment.end, segment.mark, segment.last)

    def add_finished(self, segment: Segment, data: bytes) -> None:
        """As ResumableSink."""
        with write_errors(self.path):
            self._segments.put_segment(segment, data)

    def end_segment(self, mark: FrameMark) -> None:
        """Finish the segment of the frames so far, so that they outlive this process."""
        with write_errors(self.path):
            self._write_packets(self._encoder.end())
            self._segments.end_segment(self._encoder.describe_segment(mark))

    def mark_partial(self) -> Location:
        """Choose a name that says that the file is incomplete."""
        self.path = self._journal.rename_partial()
        return self.path

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy the packets of other streams up to its time."""
        with write_errors(self.path):
            self._write_packets(self._encoder.write(frame))
            self._passthrough.copy_until(frame.time)
        begin, duration = frame.pts * frame.time_base, frame.duration * frame.time_base
        self._begin, self._end = begin if self._begin is None else self._begin, begin + duration
        if self._durations is not None:
            self._durations.append(float(duration))

    def commit(self) -> None:
        """Complete the file and give it its name."""
        with write_errors(self.path):
            if not self._encoder.frames_written:
                raise MediaError(f"No frame was written to {self.path}.")
            self._is_ended = True
            self._write_packets(self._encoder.end())
            self._passthrough.finish()
            close_output(self._container)
            self._state_pixel_aspect()
            if isinstance(self._journal, Journal):
                self.notices += self._passthrough.describe_missing(self._journal.path)
                set_animation_length(self._journal.path, self.muxer, self._end - (self._begin or 0))
            self._passthrough.close()
            if self._durations is not None:
                convert_to_avif(self._journal.path, self._durations)
            self._journal.commit()

    def abort(self, error: BaseException) -> None:
        """Leave nothing but finished segments."""
        if self._is_recording and not self._is_ended and not isinstance(error, WriteError):
            with suppress(av.error.FFmpegError, MediaError, OSError, MemoryError):
                self._write_packets(self._encoder.end())
        with suppress(av.error.FFmpegError):  # closing writes an index, which fails where writing failed
            self._container.close()
        self._passthrough.close()
        if self._journal.done:  # a signal arrived after the file got its name
            error.add_note(f"{self.path} is complete.")
            return
        if self._is_recording and self._keep_written():
            error.add_note(f"What was recorded until then is in {self.path}.")
            return
        self._journal.close(done=False)
        if isinstance(self._journal, Journal) and (frames := self._journal.store.kept):
            folder = self._journal.folder
            kept = folder.name if isinstance(self.path, Path) else folder  # of a Url it is not beside it
            error.add_note(f"{frames} frames are kept in {kept}; the same command continues from there.")

    def _keep_written(self) -> bool:
        """Give the file a name that says that it is incomplete, if a frame of it can be read.

        An existing file, which may be complete, stays.
        """
        if not isinstance(self._journal, Journal):
            return False
        try:
            with open_container(self._journal.path) as written:
                next(written.decode(video=0))
            self.mark_partial()
            self._journal.commit(synced=False)  # the disk may be what failed
        except (av.error.FFmpegError, IndexError, StopIteration, OSError, MediaError, MemoryError):
            return self._journal.done
        return True

    @property
    def _segments(self) -> SegmentStore:
        assert isinstance(self._journal, Journal)
        return self._journal.store

    def _write_packets(self, packets: Iterable["Packet[Any]"]) -> None:
        for packet in packets:
            self._journal.add(packet)
            self._mux(packet)

    def _mux(self, packet: "Packet[Any]") -> None:
        """Mux a packet.

        If frames are not evenly spaced, an encoder's first dts can be before the last one's end.
        """
        if packet.dts is not None:
            earliest = packet.dts if self._last_dts is None else self._last_dts + 1
            packet.dts = self._last_dts = max(packet.dts, earliest)
        packet.stream = self._stream
        self._container.mux(packet)

    def _state_pixel_aspect(self) -> None:
        """State the pixel aspect in the header of the finished file, if its codec does not state it."""
        aspect = self._video.sample_aspect_ratio
        if aspect == 1 or not self._format.display_size:
            return
        width, height = self._encoder.size
        if isinstance(self._journal, Journal):
            with open_container(self._journal.path) as written:
                is_stated = written.streams.video[0].sample_aspect_ratio == aspect
            if is_stated or set_display_size(self._journal.path, round(width * aspect), height):
                return
        elif self._encoder.states_aspect:
            return
        shape = f"{aspect.numerator}:{aspect.denominator}"
        self.notices.append(
            f"The output does not state that its pixels are {shape}; players show them square."
        )

    def _start(self) -> None:
        """Start the encoder, and write the header."""
        context = self._stream.codec_context
        settings = f"{context.width}x{context.height} {context.pix_fmt}{self.encoding.describe()}"
        start_encoding(self._container, self._stream, settings)
        if not self.resumable:  # otherwise each segment has a new encoder, so that it is independent
            self._encoder.use(self._stream.codec_context)
