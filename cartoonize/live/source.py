"""Live video: from a camera, from an address, or from a file in real time."""

import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import av
from av.codec.context import Flags
from av.container import Flags as ContainerFlags
from av.container import InputContainer
from av.packet import Packet

from ..core.choices import Detail
from ..core.errors import MediaError, SourceError
from ..core.frames import Frame
from ..media import Decoding
from ..media.damage import demux_past_damage
from ..media.pictures.picture import check_size
from ..media.reading.deinterlace import deinterlace
from ..media.reading.frame_converter import FrameConverter
from ..media.reading.open_input import select_video_stream
from ..media.reading.video_reader import MAX_PIXELS
from ..media.remote import UNREADABLE
from ..media.source import Source
from ..media.streams import frame_size
from ..media.video_info import VideoInfo
from .capture import CaptureInput

_DEFAULT_RATE, _MAX_RATE = Fraction(30), Fraction(1000)
_POLL = 0.002  # seconds between two polls of a camera
# Seconds. A file that is later than this does not catch up; a clock that is further off is corrected.
_LATE = 1.0


class Arrival(NamedTuple):
    """A decoded frame, and the `time.monotonic()` at which the last of its bytes came in."""

    frame: av.VideoFrame
    at: float


class LiveSource(Source):
    """Yields frames as they arrive; `arrivals` yields them decoded, and `convert` makes RGB pictures of them.

    A VideoSink can record the frames, without sound. Frames have the times at which they were taken, if the
    source states them, counted from the first frame.

    Args:
        capture: where the video comes from.
        decoding: the options for reading it.
        fps: the maximal frame rate; further frames are left out.
        timeout: seconds without data after which the source counts as lost.

    Raises:
        MediaError: the source cannot be opened or has no picture, or it is HDR and `decoding` refuses that.
        SourceError: while iterating: the source disappeared, or sent nothing for `timeout` seconds.
    """

    video: VideoInfo
    time_base = Fraction(1, 90000)

    def __init__(
        self,
        capture: CaptureInput,
        *,
        decoding: Decoding | None = None,
        fps: Fraction | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.capture, self.path = capture, Path(capture.name)
        self._decoding = decoding or Decoding()
        self._fps, self._timeout = fps, timeout
        self._stopped = Event()
        self._start: float | None = None  # the clock's time at a file's time 0
        with self._map_errors(MediaError), ExitStack() as on_error:
            self._open(on_error)
            self._describe()
            on_error.pop_all()

    def _describe(self) -> None:
        """Set the attributes that the first frame determines for all."""
        aspect = self._stream.sample_aspect_ratio
        converter = FrameConverter(self.path, self._first.frame, aspect, self._decoding, self.notices)
        self._converter, self._clock = converter, _Clock(self._first)
        self.video = VideoInfo(
            self.path, converter.width, converter.height, self._rate, self.time_base, converter.colour,
            converter.sample_aspect_ratio, converter.pixel_format,
        )  # fmt: skip

    def _open(self, on_error: ExitStack) -> None:
        capture, limit = self.capture, self._decoding.max_pixels or MAX_PIXELS
        options = capture.options | {"max_pixels": str(limit)}
        self.container: InputContainer = on_error.enter_context(
            av.open(
                capture.url,
                format=capture.format,
                options=options,
                timeout=self._timeout,
                metadata_errors=UNREADABLE,
            )
        )
        self._stream = stream = select_video_stream(self.container, self.path, self._decoding.stream)
        check_size(self.path, *frame_size(stream), limit)
        context = stream.codec_context
        context.options.update({"max_pixels": str(limit)})
        context.flags |= Flags.copy_opaque  # a frame then keeps when its packet came
        context.thread_type = "SLICE"  # threads for whole frames would delay each by some frames
        if capture.kind == "address":
            context.flags |= Flags.low_delay
        if capture.kind == "camera":
            self.container.flags |= ContainerFlags.non_block.value  # type: ignore[operator]  # an int
            _unblock(capture.url)
        self._rate = min(stream.average_rate or _DEFAULT_RATE, self._fps or _MAX_RATE)
        self._arrivals = self._limit_rate()
        first = next(self._arrivals, None)
        if first is None:
            raise MediaError(f"No picture came from {capture.name}.")
        self._first = first
        self.damage.reset()  # what came before the first keyframe cannot be decoded

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once. May be iterated in another thread than the one that opened the source."""
        return map(self.convert, self.arrivals())

    def arrivals(self) -> Generator[Arrival]:
        """Yield decoded frames that are not converted yet, so that dropping one costs little."""
        with self._map_errors(SourceError):
            yield self._first
            yield from self._arrivals
        if self.damage:
            self.notices.append(self.damage.sentence(self.path.name))

    def convert(self, arrival: Arrival) -> Frame:
        """Convert an arrival to an upright RGB frame with its time. Call it for arrivals in order."""
        return self._converter.convert(arrival.frame, self._clock.pts(arrival), self.time_base)

    @property
    def detail(self) -> Detail:
        """The detail at which frames are drawn now."""
        return self._converter.detail

    def draw_at(self, detail: Detail) -> None:
        """Change the detail of the frames to come."""
        self._converter.detail = detail

    def stop(self) -> None:
        """End the iteration in another thread: at once, or after the timeout if an address sends nothing."""
        self._stopped.set()

    def close(self) -> None:
        """Release the source."""
        self._arrivals.close()
        self.container.close()

    def _limit_rate(self) -> Generator[Arrival]:
        """Yield at most `fps` frames per second by their own times; a quarter of a frame is tolerated."""
        interval, due = float(1 / (self._fps or _MAX_RATE)), 0.0
        for frame in deinterlace(self._decode(), self._note_interlaced):
            at = frame.opaque if isinstance(frame.opaque, float) else time.monotonic()
            moment = at if frame.time is None else frame.time
            early = due - moment
            if interval / 4 < early < interval + _LATE:  # if it is earlier still, a clock was set back
                continue
            due = (due if abs(early) < interval else moment) + interval
            yield Arrival(frame, at)

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets():
            packet.opaque = time.monotonic()
            try:
                for frame in self._stream.codec_context.decode(packet):
                    self.damage.frames += frame.is_corrupt
                    if self.capture.kind == "file":
                        self._pace(frame)
                    yield frame
            except av.error.FFmpegError:  # any error of a decoder is damage of the data
                self.damage.packets += 1

    def _packets(self) -> "Iterator[Packet[Any]]":
        heard = time.monotonic()
        while not self._stopped.is_set():
            try:
                for packet in demux_past_damage(self.container, [self._stream], self.damage):
                    heard = time.monotonic()
                    yield packet
            except av.error.BlockingIOError:  # a camera without a new picture
                if time.monotonic() > heard + self._timeout:
                    raise SourceError(self._silence()) from None
                self._stopped.wait(_POLL)
            else:
                return

    def _pace(self, frame: av.VideoFrame) -> None:
        """Wait until a file's frame is due. After a frame that is over _LATE late, time restarts there."""
        now = time.monotonic()
        if frame.time is not None:
            if self._start is None or now - self._start > frame.time + _LATE:
                self._start = now - frame.time
            self._stopped.wait(max(0.0, self._start + frame.time - now))
        frame.opaque = time.monotonic()

    def _note_interlaced(self) -> None:
        self.notices.append(f"{self.path.name} is interlaced; it was deinterlaced (bwdif), a frame later.")

    def _silence(self) -> str:
        return f"Nothing came from {self.capture.name} for {self._timeout:g} s."

    @contextmanager
    def _map_errors(self, kind: type[MediaError]) -> Iterator[None]:
        """Raise FFmpeg's errors as a sentence."""
        try:
            yield
        except av.error.ExitError as error:
            raise kind(self._silence()) from error
        except (av.error.FFmpegError, OSError) as error:
            problem = "cannot be opened" if kind is MediaError else "disappeared"
            raise kind(f"{self.capture.name} {problem}: {error.strerror or error}.") from error


class _Clock:
    """The times at which frames were taken, counted from the first one.

    The source's own clock is steadier than a network, but it may jump, and some sources state no times. Where
    it differs by more than a second from the time at which a frame came in, it is corrected to that.
    """

    def __init__(self, first: Arrival) -> None:
        self._began, self._ahead, self._last = first.at, 0.0, -1
        self._ahead = self._stated_time(first) or 0.0

    def pts(self, arrival: Arrival) -> int:
        """In ticks of LiveSource.time_base, each later than the one before."""
        elapsed, moment = arrival.at - self._began, self._stated_time(arrival)
        if moment is None:
            moment = elapsed
        elif abs(moment - elapsed) > _LATE:
            self._ahead += moment - elapsed
            moment = elapsed
        self._last = max(self._last + 1, round(moment / LiveSource.time_base))
        return self._last

    def _stated_time(self, arrival: Arrival) -> float | None:
        return None if arrival.frame.time is None else arrival.frame.time - self._ahead


def _unblock(device: str) -> None:
    """Make reads of a Linux camera return at once, even without a new picture.

    FFmpeg sets this only by an option that must be given before the device is opened, which PyAV does not
    offer. Without it, a driver that has no more pictures would block the program forever.
    """
    real = os.path.realpath(device)
    with suppress(OSError):
        for handle in os.listdir("/proc/self/fd"):  # noqa: PTH208
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{handle}") == real:  # noqa: PTH115
                    os.set_blocking(int(handle), False)
