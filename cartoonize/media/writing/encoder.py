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

from ...core.choices import did_you_mean
from ...core.errors import MediaError
from ...core.frames import Frame
from ..encoding import RESTARTABLE, Encoding, known_encoders, pixel_format
from ..segment import Mark, Segment
from ..video_info import VideoInfo
from .encoder_input import Canvas

_GLOBAL_HEADER = 0x40  # FFmpeg's AVFMT_GLOBALHEADER: parameter sets go into the container's header


class Encoder:
    """Compresses the frames of a film for a container, in segments or all in one.

    `written` is the number of frames. `notices` is appended to. `size` is as in `open_sink`.

    Raises:
        MediaError: the encoder is unknown, or has not what was asked for; the background is no colour.
    """

    def __init__(
        self,
        video: VideoInfo,
        encoding: Encoding,
        container: str,
        notices: list[str],
        size: tuple[int, int] | None = None,
    ) -> None:
        self._video, self._container, self._notices = video, container, notices
        self._size = size or (video.width, video.height)
        name = encoding.encoder(container, transparent=video.transparent)
        encoding.check(name)
        self.codec, self.options = _codec(name), encoding.options(name)
        self._pixel_format = self._format()
        self._timeless = container == "yuv4mpegpipe"  # its frames follow each other at one rate
        self.time_base = _encodable(1 / video.rate if self._timeless else video.time_base, name)
        # JPEG knows full range only.
        self._colour = video.colour.full() if name == "mjpeg" else video.colour
        self._canvas = Canvas(
            video, self._size, self._colour, self._pixel_format, encoding.background, notices
        )
        self._context: av.VideoCodecContext | None = None
        self._tick: int | None = None  # the last hundredth of a second in which a GIF has a frame
        self._left_out = 0
        self.written = 0
        self._first, self._before = 0, cast("Mark | None", None)  # where the segment at work begins
        self._begins: int | None = None  # the pts of its first frame, and of the last of all
        self._last: int | None = None

    @property
    def restartable(self) -> bool:
        """Whether segments can be made that stand alone."""
        return self.codec.name in RESTARTABLE

    def configure(self, context: av.VideoCodecContext) -> None:
        """Say to one of FFmpeg's encoders what it is to write; the same settings make the same header."""
        video = self._video
        context.width, context.height = self._size
        context.pix_fmt = self._pixel_format
        context.time_base = self.time_base
        context.sample_aspect_ratio = video.sample_aspect_ratio
        if self._container in ("avi", "flv"):
            context.max_b_frames = 0  # their clocks start at zero, and frames out of order delay all
        # Without the flag the muxer would guess how long the last frame is shown.
        context.flags |= Flags.frame_duration
        self._colour.tag(context)

    def use(self, context: av.VideoCodecContext) -> None:
        """Begin with an encoder that is open already."""
        self._context = context

    def continue_after(self, first: int, before: Mark, last: int | None = None) -> None:
        """Begin behind the first `first` frames of the video, of which `before` is the source's last mark.

        `last` is the pts of that frame as it was written, where that is known.
        """
        self.written = self._first = first
        self._before, self._last = before, last

    def write(self, frame: Frame) -> Iterator["Packet[Any]"]:
        """The packets that are ready once the encoder has got the frame."""
        pts = frame.pts if self._last is None else max(frame.pts, self._last + 1)
        if self._container == "gif" and not self._has_a_tick(pts * frame.time_base):
            self.written += 1
            return
        self._last = pts
        self._begins = pts if self._begins is None else self._begins
        timed = replace(frame, pts=pts)
        if self._timeless:
            timed = replace(frame, pts=self.written, time_base=1 / self._video.rate, duration=1)
        self.written += 1
        for picture in self._canvas.draw(timed):
            yield from self._encode(picture)

    def _has_a_tick(self, time: Fraction) -> bool:
        """Whether a frame of a GIF has a hundredth of a second of its own, as its clock has no others."""
        tick = math.floor(time * 100 + Fraction(1, 2))  # as muxers round
        free = self._tick is None or tick > self._tick
        self._tick, self._left_out = tick if free else self._tick, self._left_out + (not free)
        return free

    def end(self) -> Iterator["Packet[Any]"]:
        """What the encoder holds back; the next frame gets a new one."""
        if self._left_out:
            self._notices.append(
                f"A GIF shows 100 frames a second at most; {self._left_out} of {self.written} were left out."
            )
            self._left_out = 0
        for picture in self._canvas.finish():
            yield from self._encode(picture)
        if self._context is not None:
            yield from self._context.encode(None)
        self._context = None
        _return_freed_memory()

    def segment(self, mark: Mark) -> Segment:
        """What was written since the last one, after `end`; `mark` is the source's of its last frame."""
        assert self._begins is not None
        assert self._last is not None
        frames = self.written - self._first
        segment = Segment(self._first, frames, self._before, mark, self._begins, self._last)
        self._first, self._before, self._begins = self.written, mark, None
        return segment

    def _encode(self, picture: av.VideoFrame) -> list["Packet[Any]"]:
        if self._context is None:
            self._context = self._new_context()
        return self._context.encode(picture)

    def _new_context(self) -> av.VideoCodecContext:
        context = cast("av.VideoCodecContext", av.CodecContext.create(self.codec, "w"))
        context.options.update(self.options)
        context.framerate, context.bit_rate = self._video.rate, 0  # quality is constant, not the rate
        self.configure(context)
        if av.ContainerFormat(self._container, "w").flags & _GLOBAL_HEADER:
            context.flags |= Flags.global_header
        return context

    def _format(self) -> str:
        video, name, (width, height) = self._video, self.codec.name, self._size
        chosen = pixel_format(self.codec, video.pixel_format, transparent=video.transparent)
        odd = width % 2 or height % 2
        if not odd or name not in ("libx264", "libx265") or chosen == "yuv444p":
            return chosen
        self._notices.append(
            f"The size {width}x{height} is odd, which {name} keeps only in 4:4:4 colour; "
            "some players cannot show that, and --codec libvpx-vp9 is an alternative."
        )
        return "yuv444p"


def _return_freed_memory() -> None:
    """Have glibc give back what encoders leave: it keeps that by thread, and their threads are new each time.

    In ten minutes of 720p the memory grows by 2 % with it, and by 7 % without (docs/performance.md).
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)


def _codec(name: str) -> av.Codec:
    try:
        codec = av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError as error:
        known = known_encoders()
        raise MediaError(
            f"There is no encoder {name!r} in this build of FFmpeg; try {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        ) from error
    if codec.type != "video":
        raise MediaError(f"{name} is not a video encoder.")
    return codec


def _encodable(time_base: Fraction, encoder: str) -> Fraction:
    """The time base, or the nearest finer than 0.05 ms that the encoder's 16 bits for it can hold."""
    fits = encoder != "mpeg4" or time_base.denominator < 1 << 16
    return time_base if fits else Fraction(1, 60000)
