"""Converts the files of visitors, one at a time, as the command line would."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..backends import LoadedBackend, load
from ..core.atomic import AtomicFile
from ..core.choices import Detail
from ..core.errors import BusyError
from ..core.frames import Frame
from ..core.messages import without_folder
from ..effects.look import Look
from ..media import Decoding, Source, open_sink, open_source
from ..media.pictures.formats import write_picture
from ..media.pictures.picture import read_picture
from ..run.drawer import Drawer
from ..run.job import prepare_decoding, run, written_size
from ..run.report import Report
from .limits import Limits

_SHOWN = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".gif", ".bmp"}
"""Pictures and animations that browsers show. They keep their own format."""

_BURST = 0.05  # seconds without a frame that end a burst
_LONGEST = 0.5  # seconds after which a stream without gaps counts as a new burst
_SHORTEST, _WINDOW = 1.5, 20.0  # seconds over which the speed is measured

OnProgress = Callable[[int, int | None, float | None], None]
"""Called with the number of finished frames, that of all frames, and the seconds left; None if unknown."""


class CancelledError(Exception):
    """The conversion was cancelled, by the visitor or because the server ends."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A result and its source; `before` is in a form that browsers show, if there is one."""

    before: Path
    after: Path
    is_video: bool
    notices: list[str] = field(default_factory=list)


class Worker:
    """Loads each network once, and converts one file at a time."""

    def __init__(self, limits: Limits, device: str = "auto") -> None:
        self.limits = limits
        self._device = device
        self._backends: dict[str, LoadedBackend] = {}
        self._busy = threading.Lock()
        self._closed = threading.Event()

    def convert(
        self,
        source: Path,
        folder: Path,
        style: str,
        look: Look,
        on_progress: OnProgress,
        *,
        detail: Detail = "normal",
        cancelled: threading.Event | None = None,
        as_png: bool = False,
    ) -> Conversion:
        """Convert `source` into `folder`, which is empty; both are the visitor's.

        Args:
            source: a picture or a video.
            folder: where the result goes.
            style: see `cartoonize.load`.
            look: which effects the drawings get; of a picture those that need no other frames.
            on_progress: called before the first frame, and after each.
            detail: the size at which it is drawn; see `cartoonize.stylize`.
            cancelled: set it to stop the conversion before its next frame.
            as_png: write a PNG, whatever the format of the source.

        Raises:
            CancelledError: `cancelled` was set, or `stop` was called.
            CartoonizeError: it cannot be converted, or is beyond the limits.
        """
        with self._busy:
            self.limits.check(source)
            notices: list[str] = []
            decoding = Decoding(max_pixels=self.limits.pixels, detail=detail)
            decoding = prepare_decoding(decoding, look, style, notices)
            with open_source(source, decoding=decoding) as frames:
                target = folder / f"{source.stem}-cartoon{'.png' if as_png else _suffix(source, frames)}"
                report = Report(str(target), style, notices=notices)
                monitor = _Monitor(
                    frames, self.limits, [cancelled or self._closed, self._closed], on_progress
                )
                sink = open_sink(target, frames, size=written_size(frames, look))
                run(frames, sink, self._backend(style), report, look=look, on_frame=monitor)
                still = frames.video is None
        return _describe(source, report, still=still)

    def draw(self, frame: Frame, style: str, look: Look) -> Frame:
        """Draw one frame, which holds the picture at its own size too, and return it at that size.

        Raises:
            BusyError: a file is being converted.
            CartoonizeError: the style cannot be used.
        """
        if not self._busy.acquire(blocking=False):
            raise BusyError("A file is being converted.")
        try:
            drawer = Drawer(self._backend(style), look.effects())
            return drawer.effects(frame, drawer([frame])()[0])
        finally:
            self._busy.release()

    def stop(self) -> None:
        """Cancel the running conversion and all later ones."""
        self._closed.set()

    def close(self) -> None:
        """`stop`, wait until the conversion has ended, and close the networks."""
        self.stop()
        with self._busy:
            while self._backends:
                self._backends.popitem()[1].close()

    def _backend(self, style: str) -> LoadedBackend:
        if style not in self._backends:
            self._backends[style] = load(style, device=self._device)
        return self._backends[style]


class _Monitor:
    """Reports the progress after each frame, and ends a conversion that is cancelled or beyond a limit."""

    def __init__(
        self, source: Source, limits: Limits, events: list[threading.Event], on_progress: OnProgress
    ) -> None:
        self._total, self._video = source.frames, source.video
        self._limits, self._events, self._on_progress = limits, events, on_progress
        self._speed = FrameSpeed()
        self(0)

    def __call__(self, done: int) -> None:
        if any(event.is_set() for event in self._events):
            raise CancelledError
        if self._video is not None:  # a recording states no length
            self._limits.check_frames(done, self._video.width, self._video.height)
        speed = self._speed.measure(done, time.monotonic())
        self._on_progress(done, self._total, self._seconds_left(done, speed))

    def _seconds_left(self, done: int, speed: float | None) -> float | None:
        left = max(0, self._total - done) if self._total else None
        if left is None or not (speed or left == 0):
            return None
        return left / speed if speed else 0.0


class FrameSpeed:
    """The frames per second of the last seconds.

    Frames come in bursts, one batch after the other. A speed between two frames of one burst would be far too
    high, so only the first frames of bursts count. The first burst comes after the network was loaded.
    """

    def __init__(self) -> None:
        self._starts: deque[tuple[float, int]] = deque()  # time and number of the first frame of each burst
        self._last = -math.inf

    def measure(self, done: int, now: float) -> float | None:
        """Note that a number of frames is finished; returns the frames per second, or None if unknown yet."""
        gap, self._last = now - self._last, now
        if done > 0 and (not self._starts or gap > _BURST or now - self._starts[-1][0] > _LONGEST):
            self._starts.append((now, done))
        while len(self._starts) > 2 and now - self._starts[0][0] > _WINDOW:
            self._starts.popleft()
        if len(self._starts) < 2 or self._starts[-1][0] - self._starts[0][0] < _SHORTEST:
            return None
        (begin, first), (end, last) = self._starts[0], self._starts[-1]
        return (last - first) / (end - begin)


def is_shown(path: Path) -> bool:
    """Whether browsers show it as a picture."""
    return path.suffix.lower() in _SHOWN


def _suffix(source: Path, frames: Source) -> str:
    """The suffix of the result: the source's if browsers show such files; else PNG or MP4."""
    if is_shown(source):
        return source.suffix.lower()
    return ".png" if frames.video is None else ".mp4"


def _describe(source: Path, report: Report, *, still: bool) -> Conversion:
    after = Path(report.output)
    before = source
    if still and not is_shown(source):
        before = after.with_name("before.png")
        file = AtomicFile(before, overwrite=False)
        write_picture(read_picture(source, [])[0], file)
        file.commit()
    notices = [without_folder(notice, source.parent) for notice in report.notices]
    return Conversion(before, after, after.suffix == ".mp4", notices)
