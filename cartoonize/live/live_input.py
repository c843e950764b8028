"""Decodes a camera, an address, or a file in real time: each frame with the moment at which it arrived.

packets -> decode -> pace, for a file -> deinterlace -> limit the rate -> Arrival
"""

import os
import time
from collections.abc import Callable, Generator, Iterator
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

from ..core.errors import MediaError, SourceError
from ..media import Decoding
from ..media.damage import Damage, demux_past_damage
from ..media.pictures.picture import check_size
from ..media.reading.deinterlace import deinterlace
from ..media.reading.open_input import select_video_stream
from ..media.reading.video_reader import MAX_PIXELS
from ..media.remote import open_with_av
from ..media.streams import frame_size
from .capture import CaptureInput

_DEFAULT_RATE, _MAX_RATE = Fraction(30), Fraction(1000)
_POLL = 0.002  # seconds between two polls of a camera
_MAX_DELAY = 1.0
"""Seconds. A file that is later than this does not catch up."""
_CLOCK_JUMP = 1.0
"""Seconds. A frame that is early by more than this has another clock, and is not left out."""


class Arrival(NamedTuple):
    """A decoded frame, and the `time.monotonic()` at which the last of its bytes came in."""

    frame: av.VideoFrame
    at: float


class LiveInput:
    """The open video stream of a capture.

    `stream` is FFmpeg's, `rate` its frames per second. `damage` counts what could not be decoded.

    Args:
        capture: where the video comes from.
        decoding: the options for reading it.
        fps: the maximal frame rate; further frames are left out.
        timeout: seconds without data after which the capture counts as lost.
        on_interlaced: called once if the frames are interlaced.

    Raises:
        MediaError: there is no video stream, or its frames are too large.
        FFmpegError: the capture cannot be opened.
    """

    def __init__(
        self,
        capture: CaptureInput,
        *,
        decoding: Decoding,
        fps: Fraction | None,
        timeout: float,
        on_interlaced: Callable[[], None],
    ) -> None:
        self._capture, self._timeout, self._on_interlaced = capture, timeout, on_interlaced
        self._min_interval = float(1 / (fps or _MAX_RATE))  # seconds between two frames
        self._stopped = Event()
        self._file_start: float | None = None  # the `time.monotonic()` at a file's time 0
        self.damage = Damage()
        max_pixels = decoding.max_pixels or MAX_PIXELS
        with ExitStack() as on_error:
            self._container = on_error.enter_context(self._open(max_pixels))
            name = Path(capture.name)
            self.stream = select_video_stream(self._container, name, decoding.stream)
            check_size(name, *frame_size(self.stream), max_pixels)
            on_error.pop_all()
        self._set_up_decoder(max_pixels)
        self.rate = Fraction(min(self.stream.average_rate or _DEFAULT_RATE, fps or _MAX_RATE))

    def arrivals(self) -> Generator[Arrival]:
        """Yield frames, by their own times not more often than `fps`; each may be early by a quarter of that.

        Raises:
            SourceError: a camera sent nothing for too long.
            FFmpegError: the capture disappeared, or sent nothing for too long.
        """
        interval, due = self._min_interval, 0.0
        for frame in deinterlace(self._decode(), self._on_interlaced):
            at = frame.opaque if isinstance(frame.opaque, float) else time.monotonic()
            moment = at if frame.time is None else frame.time
            early = due - moment
            if interval / 4 < early < interval + _CLOCK_JUMP:
                continue
            due = (due if abs(early) < interval else moment) + interval
            yield Arrival(frame, at)

    def stop(self) -> None:
        """End `arrivals` in another thread: at once, or after the timeout if an address sends nothing."""
        self._stopped.set()

    def close(self) -> None:
        """Release the capture."""
        self._container.close()

    def _open(self, max_pixels: int) -> InputContainer:
        capture = self._capture
        options = capture.options | {"max_pixels": str(max_pixels)}
        container = open_with_av(capture.url, capture.format, options=options, timeout=self._timeout)
        if capture.kind == "camera":
            container.flags |= ContainerFlags.non_block.value  # type: ignore[operator]  # an int
            unblock_device(capture.url)
        return container

    def _set_up_decoder(self, max_pixels: int) -> None:
        context = self.stream.codec_context
        context.options.update({"max_pixels": str(max_pixels)})
        context.flags |= Flags.copy_opaque  # a frame then keeps when its packet came
        context.thread_type = "SLICE"  # threads for whole frames would delay each by some frames
        if self._capture.kind == "address":
            context.flags |= Flags.low_delay

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Yield frames whose `opaque` is the moment at which they arrived."""
        for packet in self._packets():
            packet.opaque = time.monotonic()
            try:
                for frame in self.stream.codec_context.decode(packet):
                    self.damage.frames += frame.is_corrupt
                    if self._capture.kind == "file":
                        self._pace(frame)
                    yield frame
            except av.error.FFmpegError:  # any error of a decoder is damage of the data
                self.damage.packets += 1

    def _packets(self) -> "Iterator[Packet[Any]]":
        last_packet = time.monotonic()
        while not self._stopped.is_set():
            try:
                for packet in demux_past_damage(self._container, [self.stream], self.damage):
                    last_packet = time.monotonic()
                    yield packet
            except av.error.BlockingIOError:  # a camera without a new picture
                if time.monotonic() > last_packet + self._timeout:
                    raise SourceError(_silence_message(self._capture, self._timeout)) from None
                self._stopped.wait(_POLL)
            else:
                return

    def _pace(self, frame: av.VideoFrame) -> None:
        """Wait until a file's frame is due. After a frame that is much too late, time restarts there."""
        now = time.monotonic()
        if frame.time is not None:
            if self._file_start is None or now - self._file_start > frame.time + _MAX_DELAY:
                self._file_start = now - frame.time
            self._stopped.wait(max(0.0, self._file_start + frame.time - now))
        frame.opaque = time.monotonic()


@contextmanager
def capture_errors(capture: CaptureInput, timeout: float, kind: type[MediaError]) -> Iterator[None]:
    """Raise FFmpeg's errors as a sentence: a SourceError where a capture is read, else a MediaError."""
    try:
        yield
    except av.error.ExitError as error:
        raise kind(_silence_message(capture, timeout)) from error
    except (av.error.FFmpegError, OSError) as error:
        problem = "disappeared" if kind is SourceError else "cannot be opened"
        raise kind(f"{capture.name} {problem}: {error.strerror or error}.") from error


def unblock_device(device: str) -> None:
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


def _silence_message(capture: CaptureInput, timeout: float) -> str:
    return f"Nothing came from {capture.name} for {timeout:g} s; --timeout waits longer."
