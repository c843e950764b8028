"""Pictures as they come in: from a camera, from an address, or from a file at its own pace."""

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

_USUAL_RATE, _MOST = Fraction(30), Fraction(1000)
_POLL = 0.002  # seconds between two questions to a camera
_LATE = 1.0  # seconds behind which a file is no longer hurried, and clocks no longer trusted


class Arrival(NamedTuple):
    """A decoded frame, and the `time.monotonic()` at which the last of its bytes came in."""

    frame: av.VideoFrame
    at: float


class LiveSource(Source):
    """Gives frames at the pace of their source, or, by `arrivals`, what `develop` makes frames of.

    A VideoSink can record it, without its sound. Frames have the times at which they
    were taken, as far as the source tells, counted from the first. `fps` is how many a second are given at
    most. `timeout` is how many seconds the source may be silent.

    Raises:
        MediaError: it cannot be opened, or has no picture; it is HDR and that is to fail.
        SourceError: while iterating: it went away, or fell silent.
    """

    video: VideoInfo
    time_base = Fraction(1, 90000)

    def __init__(
        self,
        feed: CaptureInput,
        *,
        decoding: Decoding | None = None,
        fps: Fraction | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.feed, self.path = feed, Path(feed.name)
        self._decoding = decoding or Decoding()
        self._fps, self._timeout = fps, timeout
        self._stopped = Event()
        self._begun: float | None = None  # when a file's time was zero
        with self._told(MediaError), ExitStack() as on_error:
            self._open(on_error)
            self._describe()
            on_error.pop_all()

    def _describe(self) -> None:
        """What the first frame tells of all of them."""
        aspect = self._stream.sample_aspect_ratio
        developer = FrameConverter(self.path, self._first.frame, aspect, self._decoding, self.notices)
        self._developer, self._clock = developer, _Clock(self._first)
        self.video = VideoInfo(
            self.path, developer.width, developer.height, self._rate, self.time_base, developer.colour,
            developer.sample_aspect_ratio, developer.pixel_format,
        )  # fmt: skip

    def _open(self, on_error: ExitStack) -> None:
        feed, limit = self.feed, self._decoding.max_pixels or MAX_PIXELS
        options = feed.options | {"max_pixels": str(limit)}
        self.container: InputContainer = on_error.enter_context(
            av.open(
                feed.url,
                format=feed.format,
                options=options,
                timeout=self._timeout,
                metadata_errors=UNREADABLE,
            )
        )
        self._stream = stream = select_video_stream(self.container, self.path, self._decoding.stream)
        check_size(self.path, *frame_size(stream), limit)
        context = stream.codec_context
        context.options.update({"max_pixels": str(limit)})
        context.flags |= Flags.copy_opaque  # by which a frame keeps when its packet came
        context.thread_type = "SLICE"  # threads that share out frames give each some frames later
        if feed.kind == "address":
            context.flags |= Flags.low_delay
        if feed.kind == "camera":
            self.container.flags |= ContainerFlags.non_block.value  # type: ignore[operator]  # an int
            _unblock(feed.url)
        self._rate = min(stream.average_rate or _USUAL_RATE, self._fps or _MOST)
        self._arrivals = self._thinned()
        first = next(self._arrivals, None)
        if first is None:
            raise MediaError(f"No picture came from {feed.name}.")
        self._first = first
        self.damage.reset()  # what came before the first keyframe cannot be decoded

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once. May be iterated in another thread than the one that opened the source."""
        return map(self.convert, self.arrivals())

    def arrivals(self) -> Generator[Arrival]:
        """The same before they have cost anything but their decoding."""
        with self._told(SourceError):
            yield self._first
            yield from self._arrivals
        if self.damage:
            self.notices.append(self.damage.sentence(self.path.name))

    def convert(self, arrival: Arrival) -> Frame:
        """The picture, upright, as RGB, at its time; of arrivals in their order."""
        return self._developer.convert(arrival.frame, self._clock.pts(arrival), self.time_base)

    @property
    def detail(self) -> Detail:
        """The detail at which frames are drawn now."""
        return self._developer.detail

    def draw_at(self, detail: Detail) -> None:
        """Change the detail of the frames to come."""
        self._developer.detail = detail

    def stop(self) -> None:
        """Have a thread that iterates end soon: at once, but where an address is silent, by its timeout."""
        self._stopped.set()

    def close(self) -> None:
        """Release the source."""
        self._arrivals.close()
        self.container.close()

    def _thinned(self) -> Generator[Arrival]:
        """No more than `fps` a second by their own times, where a quarter of a frame is no matter."""
        interval, due = float(1 / (self._fps or _MOST)), 0.0
        for frame in deinterlace(self._decoded(), self._met_interlaced):
            at = frame.opaque if isinstance(frame.opaque, float) else time.monotonic()
            moment = at if frame.time is None else frame.time
            early = due - moment
            if interval / 4 < early < interval + _LATE:  # earlier still is a clock that was set back
                continue
            due = (due if abs(early) < interval else moment) + interval
            yield Arrival(frame, at)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets():
            packet.opaque = time.monotonic()
            try:
                for frame in self._stream.codec_context.decode(packet):
                    self.damage.frames += frame.is_corrupt
                    if self.feed.kind == "file":
                        self._await(frame)
                    yield frame
            except av.error.FFmpegError:  # whatever a decoder says, it is of the data
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

    def _await(self, frame: av.VideoFrame) -> None:
        """Have a file's frame come when it is due; from one that is far too late on, time counts anew."""
        now = time.monotonic()
        if frame.time is not None:
            if self._begun is None or now - self._begun > frame.time + _LATE:
                self._begun = now - frame.time
            self._stopped.wait(max(0.0, self._begun + frame.time - now))
        frame.opaque = time.monotonic()

    def _met_interlaced(self) -> None:
        self.notices.append(f"{self.path.name} is interlaced; it was deinterlaced (bwdif), a frame later.")

    def _silence(self) -> str:
        return f"Nothing came from {self.feed.name} for {self._timeout:g} s."

    @contextmanager
    def _told(self, kind: type[MediaError]) -> Iterator[None]:
        """FFmpeg's errors, as a sentence."""
        try:
            yield
        except av.error.ExitError as error:
            raise kind(self._silence()) from error
        except (av.error.FFmpegError, OSError) as error:
            what = "cannot be opened" if kind is MediaError else "is gone"
            raise kind(f"{self.feed.name} {what}: {error.strerror or error}.") from error


class _Clock:
    """When frames were taken, counted from the first of them.

    The source's own clock is steadier than the network, but may jump, or tell nothing: where it is off by
    more than a second from when frames came in, it is set by that.
    """

    def __init__(self, first: Arrival) -> None:
        self._began, self._ahead, self._last = first.at, 0.0, -1
        self._ahead = self._told(first) or 0.0

    def pts(self, arrival: Arrival) -> int:
        """In ticks of LiveSource.time_base, each later than the one before."""
        since, told = arrival.at - self._began, self._told(arrival)
        if told is None:
            told = since
        elif abs(told - since) > _LATE:
            self._ahead += told - since
            told = since
        self._last = max(self._last + 1, round(told / LiveSource.time_base))
        return self._last

    def _told(self, arrival: Arrival) -> float | None:
        return None if arrival.frame.time is None else arrival.frame.time - self._ahead


def _unblock(device: str) -> None:
    """Have reading a Linux camera return at once: FFmpeg asks for that only if told before it opens it, which
    PyAV does not offer, and a driver that has no more pictures would hold the program for good."""
    real = os.path.realpath(device)
    with suppress(OSError):
        for handle in os.listdir("/proc/self/fd"):  # noqa: PTH208
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{handle}") == real:  # noqa: PTH115
                    os.set_blocking(int(handle), False)
