"""From frames to packets: the same frames give the same packets, wherever they are encoded."""

import ctypes
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import av
from av.codec.context import Flags
from av.packet import Packet

from ...core.containers import Container
from ...core.cpus import keep_scheduling
from ...core.errors import MediaError
from ...core.frames import Frame
from ...core.messages import did_you_mean
from ...core.yuv import YuvWeights
from ..encoders import encoder_traits
from ..encoding import Encoding, available_encoders, choose_pixel_format
from ..segment import FrameMark, Segment
from ..video_info import VideoInfo
from .encoder_input import EncoderInput

_GLOBAL_HEADER = 0x40  # FFmpeg's AVFMT_GLOBALHEADER: parameter sets go into the container's header


class Encoder:
    """Compresses the frames of a video for a container, in segments or all in one.

    `size` is the width and height that are written, `rate` the frames per second that the encoder expects,
    `frames_written` the number of frames. It appends to `notices`. The argument `size` is as in
    `open_sink`.

    Raises:
        MediaError: the encoder is unknown, lacks a requested option, or cannot encode frames of this size;
            the background is not a colour.
    """

    def __init__(
        self,
        video: VideoInfo,
        encoding: Encoding,
        container: Container,
        notices: list[str],
        size: tuple[int, int] | None = None,
    ) -> None:
        self._video, self._container, self._notices = video, container, notices
        self.size = size or (video.width, video.height)
        self.codec = choose_encoder(encoding, container, transparent=video.transparent)
        self._traits = encoder_traits(self.codec.name)
        self._check_frame_size()
        self.options = encoding.encoder_options(self.codec.name)
        self._pixel_format = self._choose_pixel_format()
        is_even = container.constant_rate or (container.header_times and video.has_constant_rate())
        self.time_base = self._encodable(1 / video.rate if is_even else video.time_base)
        self.rate = min(video.rate, self._traits.max_rate or video.rate)  # which no time depends on
        self._colour = video.colour.as_full_range() if self._traits.is_full_range else video.colour
        self._input = EncoderInput(
            video, self.size, self._colour, self._pixel_format, encoding.background, notices,
            is_animation=container.is_animation,
        )  # fmt: skip
        self._context: av.VideoCodecContext | None = None
        self._last_tick: int | None = None  # the tick of the last frame, in a container with few ticks
        self._skipped = 0
        self._durations: dict[Fraction, Fraction] = {}  # seconds, of the frames in the encoder by their times
        self.frames_written = 0
        # The current segment: its first frame, the source's mark of the frame before, and its first pts.
        self._first, self._mark_before = 0, cast("FrameMark | None", None)
        self._first_pts: int | None = None
        self._last_pts: int | None = None  # of all segments

    @property
    def restartable(self) -> bool:
        """Whether it can make segments that stand alone."""
        return self._traits.is_restartable

    @property
    def states_aspect(self) -> bool:
        """Whether the packets state the shape of pixels."""
        return self._traits.states_aspect

    @property
    def yuv_weights(self) -> YuvWeights | None:
        """The weights to convert by, if the encoder takes YUV 4:2:0 in 8 bits without transparency."""
        takes_yuv = self._pixel_format == "yuv420p" and not self._video.transparent
        return self._colour.yuv_weights if takes_yuv else None

    def configure(self, context: av.VideoCodecContext) -> None:
        """Set up one of FFmpeg's encoders; the same settings make the same header."""
        context.width, context.height = self.size
        context.pix_fmt = self._pixel_format
        context.time_base = self.time_base
        context.sample_aspect_ratio = self._video.sample_aspect_ratio
        if not self._container.frame_reordering:
            context.max_b_frames = 0
        # Without the flag the muxer would guess how long the last frame is shown.
        context.flags |= Flags.frame_duration
        self._colour.tag_encoder(context)

    def use(self, context: av.VideoCodecContext) -> None:
        """Use an encoder that is open already for what follows."""
        self._context = context

    def continue_after(self, frames: int, mark: FrameMark, last_pts: int | None = None) -> None:
        """Begin after the first `frames` frames; `mark` is the source's mark of the last of them.

        `last_pts` is the pts of that frame as it was written, if it is known.
        """
        self.frames_written = self._first = frames
        self._mark_before, self._last_pts = mark, last_pts

    def write(self, frame: Frame) -> Iterator["Packet[Any]"]:
        """Encode a frame, and yield the packets that are ready."""
        pts = frame.pts if self._last_pts is None else max(frame.pts, self._last_pts + 1)
        if self._container.ticks and not self._take_tick(pts * frame.time_base * self._container.ticks):
            self.frames_written += 1
            return
        self._last_pts = pts
        self._first_pts = pts if self._first_pts is None else self._first_pts
        timed = replace(frame, pts=pts)
        if self._container.constant_rate:
            timed = replace(frame, pts=self.frames_written, time_base=1 / self._video.rate, duration=1)
        self.frames_written += 1
        for converted in self._input.convert(timed):
            yield from self._encode(converted)

    def _take_tick(self, ticks: Fraction) -> bool:
        """Whether a frame gets its own tick of the container's clock; frames without one cannot be shown."""
        tick = math.floor(ticks + Fraction(1, 2))  # as muxers round
        is_free = self._last_tick is None or tick > self._last_tick
        if is_free:
            self._last_tick = tick
        else:
            self._skipped += 1
        return is_free

    def end(self) -> Iterator["Packet[Any]"]:
        """Yield what the encoder holds back; the next frame gets a new encoder."""
        if self._skipped:
            self._notices.append(
                f"A {self._container.muxer.upper()} shows {self._container.ticks} frames a second at most; "
                f"{self._skipped} of {self.frames_written} were left out."
            )
            self._skipped = 0
        for converted in self._input.flush():
            yield from self._encode(converted)
        if self._context is not None:
            yield from self._with_durations(self._context.encode(None))
        self._context = None
        self._durations.clear()
        _return_freed_memory()

    def describe_segment(self, mark: FrameMark) -> Segment:
        """Describe what was written since the last segment, after `end`; `mark` is that of its last frame."""
        assert self._first_pts is not None
        assert self._last_pts is not None
        frames = self.frames_written - self._first
        segment = Segment(self._first, frames, self._mark_before, mark, self._first_pts, self._last_pts)
        self._first, self._mark_before, self._first_pts = self.frames_written, mark, None
        return segment

    def _encode(self, frame: av.VideoFrame) -> Iterator["Packet[Any]"]:
        time_base = frame.time_base or self.time_base
        self._durations[(frame.pts or 0) * time_base] = (frame.duration or 0) * time_base
        if self._context is not None:
            return self._with_durations(self._context.encode(frame))
        self._context = self._create_context()
        with keep_scheduling():  # the first frame opens the encoder
            packets = self._context.encode(frame)
        return self._with_durations(packets)

    def _with_durations(self, packets: list["Packet[Any]"]) -> Iterator["Packet[Any]"]:
        """State the duration of each packet if the encoder does not: muxers need it for the last packet."""
        for packet in packets:
            time = (packet.pts or 0) * packet.time_base
            duration = self._durations.pop(time, Fraction(0))
            packet.duration = packet.duration or round(duration / packet.time_base)
            yield packet

    def _create_context(self) -> av.VideoCodecContext:
        context = cast("av.VideoCodecContext", av.CodecContext.create(self.codec, "w"))
        context.options.update(self.options)
        context.framerate, context.bit_rate = self.rate, 0  # quality is constant, not the rate
        self.configure(context)
        if av.ContainerFormat(self._container.muxer, "w").flags & _GLOBAL_HEADER:
            context.flags |= Flags.global_header
        return context

    def _choose_pixel_format(self) -> str:
        video, name, (width, height) = self._video, self.codec.name, self.size
        chosen = choose_pixel_format(self.codec, video.pixel_format, transparent=video.transparent)
        is_odd = width % 2 or height % 2
        if not is_odd or not self._traits.odd_sizes_need_444 or chosen == "yuv444p":
            return chosen
        self._notices.append(
            f"The size {width}x{height} is odd, which {name} keeps only in 4:4:4 colour; "
            "some players cannot show that, and --codec libvpx-vp9 is an alternative."
        )
        return "yuv444p"

    def _check_frame_size(self) -> None:
        """Refuse frames that are too large for the encoder, before the network is loaded."""
        width, height = self.size
        widest, highest = self._traits.max_size or self.size
        if width > widest or height > highest:
            scale = min(Fraction(widest, width), Fraction(highest, height))
            raise MediaError(
                f"{self.codec.name} cannot encode frames of {width}x{height}: its limit is "
                f"{widest}x{highest}. Reduce them by --max-size {int(max(width, height) * scale)}, or write "
                ".mp4 or .mkv with --codec hevc."
            )

    def _encodable(self, time_base: Fraction) -> Fraction:
        """The time base, or 1/60000 s if the encoder's clock cannot have so many ticks."""
        max_ticks = self._traits.max_ticks
        return time_base if max_ticks is None or time_base.denominator <= max_ticks else Fraction(1, 60000)


def _return_freed_memory() -> None:
    """Have glibc return what encoders free: it keeps memory by thread, and their threads are new each time.

    In ten minutes of 720p the memory grows by 2 % with it, and by 7 % without (docs/performance.md).
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)


def choose_encoder(encoding: Encoding, container: Container, *, transparent: bool = False) -> av.Codec:
    """The encoder for a video in a container.

    Raises:
        MediaError: there is none of that name, it is not for video, or it lacks a requested option.
    """
    name = encoding.encoder_name(container, transparent=transparent)
    codec = _find_encoder(name)
    encoding.check_options(name)
    return codec


def _find_encoder(name: str) -> av.Codec:
    try:
        codec = av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError as error:
        available = available_encoders()
        raise MediaError(
            f"There is no encoder {name!r} in this build of FFmpeg; try {', '.join(available)}."
            f"{did_you_mean(name, available)}"
        ) from error
    if codec.type != "video":
        raise MediaError(f"{name} is not a video encoder; name one by --codec, as libx264.")
    return codec
