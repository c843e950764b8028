"""Reading a video file: its frames with their times, upright, as RGB.

The other streams of the file go to the sink (see passthrough.py).
"""

import math
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
from av.container import InputContainer

from ...core.errors import MediaError, SourceError
from ...core.frames import Frame, Image
from ..damage import Damage
from ..decoding import Decoding, check_time_range
from ..ffmpeg import ffmpeg_errors
from ..pictures.animation import play_count
from ..remote import Location
from ..segment import FrameMark
from ..side_data import lost_side_data_notice
from ..source import ResumableSource
from ..video_info import OtherStreams, VideoInfo, empty_range_message
from .constant_rate import has_constant_rate
from .duration import find_video_end
from .frame_converter import FrameConverter
from .open_input import file_stamp
from .standard_input import STANDARD_INPUT
from .video_reader import VideoReader


class VideoSource(ResumableSource):
    """The frames of a video file, upright, in order of presentation, each at its time.

    Times count as in the file, with one exception: a clock that starts later than a second (as in transport
    streams), or with frames from before zero, starts at zero here. With `start`, time zero is that second of
    the video; `end` counts from the same zero as `start`. A frame without a time follows the one before,
    after its duration.

    Raises:
        MediaError: there is no such file, it has no video stream, nothing of it can be decoded, the range is
            empty, or it is HDR and HDR is refused. The first frame is decoded at once, to raise what can be.
    """

    def __init__(
        self,
        path: Location,
        *,
        start: float | None = None,
        end: float | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        self.path, self.start, self.end = path, start, end
        self.decoding = decoding or Decoding()
        self.mark_interval, self.marks = 0, dict[int, FrameMark]()
        self.stop_before: int | None = None
        self.is_exhausted, self._frames_read = False, 0
        check_time_range(start, end)
        with ffmpeg_errors(path):
            self._stamp = file_stamp(path)
            self._open()
            assert self._next is not None
            self._describe(*self._next[:2])

    def _open(self) -> None:
        """Open the file at the first frame of the range."""
        self._reader = VideoReader(self.path, self.start, self.end, self.decoding, self.notices)
        self._timed_frames = self._reader.timed_frames()
        try:
            self._next = next(self._timed_frames, None)
            if self._next is None:
                raise MediaError(self._no_frame_message())
        except BaseException:
            self._timed_frames.close()
            self._reader.container.close()
            raise

    @property
    def container(self) -> InputContainer:
        """The open file."""
        return self._reader.container

    @property
    def damage(self) -> Damage:
        """The damage so far: what could not be decoded."""
        return self._reader.damage

    @property
    def resumable(self) -> "VideoSource | None":
        """The source itself, unless it can be read only once."""
        return None if self.path == STANDARD_INPUT else self

    def measure_duration(self) -> float | None:
        """Seconds of the range that is read, by the times in the file; None if the file has none."""
        length = self._measure_length()
        if length is None:
            return None
        return min(length, math.inf if self.end is None else self.end) - (self.start or 0.0)

    def _measure_length(self) -> float | None:
        """Seconds of the whole video."""
        last = find_video_end(self.path, self.container, self._reader.stream)
        return None if last is None else last - (self._reader.clock_offset - (self.start or 0.0))

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once. Another thread than the one that opened the source may iterate."""
        with ffmpeg_errors(self.path):
            try:
                yield from self._convert_frames()
            except OSError as error:
                raise SourceError(f"{self.path} can no longer be read: {error.strerror or error}.") from error
            if file_stamp(self.path) not in (self._stamp, None):
                raise SourceError(f"{self.path} changed while it was read; try again when it is complete.")
        if self.damage:
            self.notices.append(self.damage.sentence(self.path.name))

    def _convert_frames(self) -> Iterator[Frame]:
        while self._next is not None and self._frames_read != self.stop_before:
            decoded, pts, duration = self._next
            frame = self._converter.convert(decoded, pts, self._reader.time_base, duration)
            self._frames_read += 1
            if self.mark_interval and self._frames_read % self.mark_interval == 0:
                self.marks[self._frames_read] = self._create_mark(frame.image, pts)
            self._next = next(self._timed_frames, None)
            self.is_exhausted = self._next is None
            if self.is_exhausted and self.mark_interval:
                self.marks[self._frames_read] = self._create_mark(frame.image, pts)
            yield replace(frame, duration=self._shown_duration(pts, duration))

    def _shown_duration(self, pts: int, duration: int) -> int:
        """The ticks from a frame to the next one; `duration` is that of its packet.

        Where frames are stored out of order, containers state the duration up to the frame that is stored
        next.
        """
        if self._next is None:
            return self._reader.last_duration(pts, duration)
        return self._next[1] - pts if self._next[1] > pts else duration

    def _create_mark(self, image: Image, pts: int) -> FrameMark:
        damage = self.damage
        return {"pts": pts, "crc": zlib.crc32(image.data), "packets": damage.packets, "frames": damage.frames}

    def close(self) -> None:
        """Close the file."""
        self._timed_frames.close()
        self._reader.close()

    def resume_after(self, frame_count: int, mark: FrameMark) -> None:
        """Continue after the first `frame_count` frames; `mark` is that of the last of them.

        Seeking is checked: the frame before must have the same time and the same pixels. Otherwise all frames
        are decoded from the start, and counted.
        """
        with ffmpeg_errors(self.path):
            if mark["packets"] or mark["frames"] or self._seek_frame(mark["pts"]) != mark:
                self.close()
                self._open()
                for _ in range(frame_count - 1):
                    if next(self._timed_frames, None) is None:  # there are fewer frames than was recorded
                        break
            self._begin_behind(frame_count, mark)

    def seek_after(self, frame_count: int, pts: int) -> FrameMark | None:
        """Continue after the frame at `pts`, which is expected to be the last of the first `frame_count`
        frames.

        Return its mark, which shows whether it was that frame; None if there is no frame at `pts`.
        """
        with ffmpeg_errors(self.path):
            mark = self._seek_frame(pts)
            if mark is not None:
                self._begin_behind(frame_count, mark)
            return mark

    def _begin_behind(self, frame_count: int, mark: FrameMark) -> None:
        self.damage.reset(mark["packets"], mark["frames"])
        self._next, self._frames_read = next(self._timed_frames, None), frame_count

    def _seek_frame(self, pts: int) -> FrameMark | None:
        """Decode the frame at `pts`, and return its mark, without damage; None if there is no such frame."""
        offset = round(self._reader.clock_offset / self._reader.time_base)
        try:
            self._reader.seek(float((pts + offset) * self._reader.time_base))
        except av.error.FFmpegError:  # raw streams cannot seek
            return None
        self._timed_frames = self._reader.timed_frames()
        for frame, frame_pts, _ in self._timed_frames:
            if frame_pts >= pts:
                self.damage.reset()  # what cannot be decoded before a keyframe does not count as damage
                return self._create_mark(self._converter.image(frame), pts) if frame_pts == pts else None
        return None

    def _describe(self, first: av.VideoFrame, pts: int) -> None:
        """Set the attributes that the first frame, at `pts`, determines for all."""
        aspect = self._reader.stream.sample_aspect_ratio
        converter = self._converter = FrameConverter(
            self.path, first, aspect, self.decoding, self.notices, lambda: self._reader.current_aspect
        )
        self.frames = self._estimate_frames()
        notice = lost_side_data_notice(self.path.name, first)
        self.notices += [notice] if notice else []
        reader, read_once = self._reader, self.path == STANDARD_INPUT
        self.video = VideoInfo(
            self.path, converter.width, converter.height, reader.rate, reader.time_base, converter.colour,
            converter.sample_aspect_ratio, converter.pixel_format, converter.transparent,
            play_count(self.path) if isinstance(self.path, Path) else 0,
            OtherStreams(
                self.path, reader.stream.index, reader.clock_offset, self.start, self.end,
                reader.container if read_once else None, reader.program, reader.other_packets,
            ),
            partial(
                has_constant_rate, None if read_once else self.path, reader.stream, reader.rate,
                round(reader.clock_offset / reader.time_base), pts,
            ),
        )  # fmt: skip

    def _estimate_frames(self) -> int | None:
        stream, duration = self._reader.stream, self.container.duration
        if self.start is None and self.end is None and stream.frames:
            return stream.frames
        seconds = duration / av.time_base if duration else None
        if self.end is not None:
            seconds = min(self.end, seconds or self.end)
        return round((seconds - (self.start or 0)) * self._reader.rate) if seconds else None

    def _no_frame_message(self) -> str:
        if self.start is not None or self.end is not None:
            length = None if self.path == STANDARD_INPUT else self._measure_length()
            return empty_range_message(self.path, length, self._reader.stream.frames)
        return f"No frame of {self.path} can be decoded; the file is damaged or empty."
