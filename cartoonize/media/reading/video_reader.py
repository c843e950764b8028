"""Decoding one video stream of a file: its frames in order of presentation, each with its time."""

import math
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from ..alpha import alpha_decoder
from ..colour import UNSPECIFIED
from ..damage import Damage, demux_past_damage
from ..decoding import Decoding
from ..pictures.picture import check_size
from ..remote import Location
from ..streams import JUMP, frame_size
from .container_check import STARTS_ANYWHERE, ContainerCheck
from .deinterlace import deinterlace
from .frame_decoder import FrameDecoder
from .open_input import clock_start, frame_rate, open_input, select_video_stream
from .packet_accounting import INTRA
from .programs import program_streams
from .standard_input import STANDARD_INPUT, open_standard_input

MAX_PIXELS = 1 << 26
"""The default limit of a frame, twice the pixels of 8K. Several frames are in memory at once."""
_NO_TIMES = 0x80  # FFmpeg's AVFMT_NOTIMESTAMPS: raw streams, in which it cannot seek
_MOVIE_TICK = Fraction(1, 600)
"""Seconds to which MP4 and MOV files round the duration of a track, or less."""
_LONG = Fraction(1, 10)
"""Seconds of a held frame at the start or the end of a range that show, whatever the average rate is."""
_COLOUR_TAGS = ("colorspace", "color_trc", "color_primaries")
_SEEK_MARGINS = (0.0, 2.0, 12.0, math.inf)
"""Seconds by which seeking begins before its target, tried one after another."""


class VideoReader:
    """Decodes a video stream from second `start` to second `end`.

    `time_base` and `rate` are those of the stream, and `clock_offset` is the second on the file's clock that
    is time zero of the frames. `damage` counts what could not be decoded. `other_packets` collects the
    packets of all other streams of standard input, which cannot be read a second time. `program` holds the
    indexes of the streams of its programme in a broadcast, or None for all. It appends to `notices`.

    Raises:
        MediaError: the file cannot be opened, has no such video stream, or its frames have too many pixels.
    """

    def __init__(
        self,
        path: Location,
        start: float | None,
        end: float | None,
        decoding: Decoding,
        notices: list[str],
    ) -> None:
        self._path, self._start, self._end = path, start, end
        self._notices = notices
        self._is_streamed = path == STANDARD_INPUT
        self.other_packets: deque[Packet[Any]] = deque()
        self.damage, self._has_seeked = Damage(), False
        limit = decoding.max_pixels or MAX_PIXELS
        with ExitStack() as on_error:
            # FFmpeg decodes some frames while it opens a file, so it has to know the limit, too.
            options = {"max_pixels": str(limit)}
            self._standard_input = open_standard_input() if self._is_streamed else None
            self.container: InputContainer = on_error.enter_context(
                open_input(path, options, self._standard_input)
            )
            stream = self.stream = select_video_stream(self.container, path, decoding.stream)
            check_size(path, *frame_size(stream), limit)
            stream.codec_context.options.update(options)
            # Where all frames are independent, threads share one frame: an error then costs no other frame.
            stream.thread_type = "SLICE" if stream.codec.canonical_name in INTRA else "AUTO"
            self._decoder = alpha_decoder(stream) or stream.codec_context
            # Of the container. Decoders replace them, even if the stream itself states nothing.
            self._colour_tags = {name: getattr(stream.codec_context, name) for name in _COLOUR_TAGS}
            if self._standard_input is not None:
                self._standard_input.identify(self.container, stream)
            self.time_base = Fraction(stream.time_base or Fraction(1, 90000))
            self.rate = frame_rate(stream)
            self._default_duration = max(1, round(1 / (self.rate * self.time_base)))
            # The ticks of a held frame that show at the start or the end of a range.
            self._shown_hold = min(Fraction(self._default_duration), _LONG / self.time_base)
            self._pts_behind: int | None = None  # of the first frame behind the range
            self.program = program_streams(path, self.container, stream)
            self.clock_offset = clock_start(self.container, stream, self.program) + (start or 0.0)
            has_times = not self.container.format.flags & _NO_TIMES
            if start and has_times and not self._is_streamed:
                self.seek(self.clock_offset)
            on_error.pop_all()

    def close(self) -> None:
        """Close the file. Standard input stays open, as packets that wait for the sink refer to it."""
        if not self._is_streamed:
            self.container.close()

    @property
    def current_aspect(self) -> Fraction:
        """The pixel aspect ratio that the decoder knows of its latest frames; 0 if it knows none."""
        return Fraction(self._decoder.sample_aspect_ratio or 0)

    def timed_frames(self) -> Generator[tuple[av.VideoFrame, int, int]]:
        """Yield frames with pts and duration, in ticks of `time_base` from `clock_offset` on."""
        self._offset = round(self.clock_offset / self.time_base)
        next_pts = 0 if self._has_seeked else -round((self._start or 0.0) / self.time_base)
        last_pts, jump = -math.inf, round(JUMP / self.time_base)
        held: tuple[av.VideoFrame, int, int] | None = None  # the last frame before the range
        for frame in deinterlace(self._decode(), self._report_interlaced):
            pts = next_pts if frame.pts is None else frame.pts - self._offset
            # Another recording has its own clock. A frame that is only early follows one whose duration is
            # stated for the order of decoding.
            if pts <= last_pts and pts < next_pts - jump:
                self._offset -= next_pts - pts
                pts = next_pts
                self._report_jump()
            duration = frame.duration or self._default_duration
            last_pts, next_pts = pts, pts + duration
            time = float(pts * self.time_base)
            if self._start is not None and time < -1e-6:
                held = frame, pts, duration
                continue
            if self._end is not None and time >= self._end - (self._start or 0.0) - 1e-6:
                self._pts_behind = pts
                break
            if held:
                yield from self._from_start(*held, pts)
                held = None
            yield frame, pts, duration
        if held:
            yield from self._from_start(*held, self._pts_behind)

    def _from_start(
        self, frame: av.VideoFrame, pts: int, duration: int, next_pts: int | None
    ) -> Generator[tuple[av.VideoFrame, int, int]]:
        """Yield the last frame before the range, as its first, if it is held for long within the range.

        A range of evenly spaced frames begins with the first frame in it.
        """
        remaining = pts + duration if next_pts is None else next_pts
        if remaining > self._shown_hold:
            yield frame, 0, remaining

    def last_duration(self, pts: int, duration: int) -> int:
        """The ticks for which the last frame is shown; `duration` is that of its packet.

        A frame that is held ends with the range. At the end of an MP4 file, the packet states the right
        duration if it is stored last; otherwise the duration of the track does.
        """
        if self._pts_behind is not None:
            duration = self._pts_behind - pts
        elif self._check.track_end is not None and not self._check.is_last_shown:
            to_end = round(self._check.track_end / self.time_base) - self._offset - pts
            is_rounded = abs(to_end - duration) * self.time_base <= _MOVIE_TICK
            duration = to_end if to_end > 0 and not is_rounded else duration
        if self._end is None:
            return duration
        to_end = round((self._end - (self._start or 0.0)) / self.time_base) - pts
        return min(duration, max(to_end, round(self._shown_hold)))

    def seek(self, time: float) -> None:
        """Seek to a keyframe at or before a second on the file's clock.

        Transport streams seek to a time, not to a keyframe, and decode nothing until the next keyframe. So
        the first frame is decoded, and if it is too late, the search begins earlier.
        """
        earliest = self.container.start_time or 0
        for margin in _SEEK_MARGINS:
            target = max(earliest, int(max(time - margin, 0.0) * av.time_base))
            self._seek_container(target)
            first = next(self._decode(), None)
            if first is not None and first.pts is not None and first.pts * self.time_base <= time:
                break
            if target == earliest:  # transport streams compare with dts, and the first dts are before it
                target -= av.time_base
                break
        self._seek_container(target)
        self.damage = Damage()

    def _seek_container(self, target: int) -> None:
        self._has_seeked = True
        self.container.seek(target)
        if self._decoder.is_open:  # the container flushes only the decoders that it made
            self._decoder.flush_buffers()

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Yield all frames that can be decoded, and count the packets that cannot."""
        selected = [] if self._is_streamed else [self.stream]  # an empty list selects all streams
        check = self._check = ContainerCheck(
            self._path, self.container, self.stream, self._standard_input, is_from_start=not self._has_seeked
        )
        starts_anywhere = self.container.format.name in STARTS_ANYWHERE
        codec = self.stream.codec.canonical_name
        decoder = FrameDecoder(self._decoder, codec, self.damage, starts_anywhere=starts_anywhere)
        for packet in demux_past_damage(self.container, selected, self.damage):
            # Not `packet.stream_index`: the last, empty packet has none.
            if packet.stream.index != self.stream.index:
                if self._is_streamed:
                    self.other_packets.append(packet)
                continue
            if packet.size:
                check.count(packet)
                yield from map(self._tag_colours, decoder.decode(packet))
        yield from map(self._tag_colours, decoder.finish())
        check.finish(self.damage)

    def _tag_colours(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Set the colour tags that only the container states."""
        for name, value in self._colour_tags.items():
            if getattr(frame, name) == UNSPECIFIED != value:
                setattr(frame, name, value)
        return frame

    def _report_jump(self) -> None:
        notice = f"The clock of {self._path.name} jumps back; the rest was joined to what came before."
        if notice not in self._notices:
            self._notices.append(notice)

    def _report_interlaced(self) -> None:
        self._notices.append(
            f"{self._path.name} is interlaced; it was deinterlaced (bwdif), at the same frame rate."
        )
