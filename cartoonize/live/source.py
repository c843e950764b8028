"""Live video as a source: from a camera, from an address, or from a file in real time."""

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path

from ..core.choices import Detail
from ..core.errors import MediaError, SourceError
from ..core.frames import Frame
from ..media import Decoding
from ..media.damage import Damage
from ..media.reading.frame_converter import FrameConverter
from ..media.source import Source
from ..media.video_info import VideoInfo
from .capture import CaptureInput
from .live_input import Arrival, LiveInput, capture_errors

_MAX_DRIFT = 1.0
"""Seconds by which the clock of a source may differ from the moments at which its frames arrive."""


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
        self._decoding, self._timeout = decoding or Decoding(), timeout
        with capture_errors(capture, timeout, MediaError):
            self._input = LiveInput(
                capture, decoding=self._decoding, fps=fps, timeout=timeout,
                on_interlaced=self._report_interlaced,
            )  # fmt: skip
            self._arrivals = self._input.arrivals()
            try:
                self._receive_first()
            except BaseException:
                self.close()
                raise

    @property
    def damage(self) -> Damage:
        """The damage so far: what could not be decoded."""
        return self._input.damage

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once. May be iterated in another thread than the one that opened the source."""
        return map(self.convert, self.arrivals())

    def arrivals(self) -> Generator[Arrival]:
        """Yield decoded frames that are not converted yet, so that dropping one costs little."""
        with capture_errors(self.capture, self._timeout, SourceError):
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
        self._input.stop()

    def close(self) -> None:
        """Release the source."""
        self._arrivals.close()
        self._input.close()

    def _receive_first(self) -> None:
        """Receive the first frame, and set the attributes that it determines for all."""
        first = next(self._arrivals, None)
        if first is None:
            raise MediaError(f"No picture came from {self.capture.name}.")
        self.damage.reset()  # what came before the first keyframe cannot be decoded
        aspect = self._input.stream.sample_aspect_ratio
        converter = FrameConverter(self.path, first.frame, aspect, self._decoding, self.notices)
        self._first, self._converter, self._clock = first, converter, _Clock(first)
        self.video = VideoInfo(
            self.path, converter.width, converter.height, self._input.rate, self.time_base, converter.colour,
            converter.sample_aspect_ratio, converter.pixel_format,
        )  # fmt: skip

    def _report_interlaced(self) -> None:
        name = self.path.name
        self.notices.append(f"{name} is interlaced; it was deinterlaced (bwdif), which delays it by a frame.")


class _Clock:
    """The times at which frames were taken, counted from the first one.

    The source's own clock is steadier than a network, but it may jump, and some sources state no times. Where
    it differs too much from the time at which a frame came in, it is corrected to that.
    """

    def __init__(self, first: Arrival) -> None:
        self._first_arrival, self._last_pts = first.at, -1
        self._offset = 0.0  # seconds from the source's clock to ours
        self._offset = self._stated_time(first) or 0.0

    def pts(self, arrival: Arrival) -> int:
        """In ticks of LiveSource.time_base, each later than the one before."""
        elapsed, moment = arrival.at - self._first_arrival, self._stated_time(arrival)
        if moment is None:
            moment = elapsed
        elif abs(moment - elapsed) > _MAX_DRIFT:
            self._offset += moment - elapsed
            moment = elapsed
        self._last_pts = max(self._last_pts + 1, round(moment / LiveSource.time_base))
        return self._last_pts

    def _stated_time(self, arrival: Arrival) -> float | None:
        return None if arrival.frame.time is None else arrival.frame.time - self._offset
