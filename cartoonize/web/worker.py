"""Converts the files of visitors, one at a time, as the command line would."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..backends import LoadedBackend, load
from ..core.choices import Detail
from ..effects.look import Look
from ..media import Decoding, Source, open_sink, open_source
from ..media.pictures.picture import read_picture
from ..run.job import prepare_decoding, run, written_size
from ..run.report import Report
from .limits import Limits

_SHOWN = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".gif", ".bmp"}
"""Pictures and animations that browsers show. They keep their own format."""

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
        self._cancelled: dict[str, threading.Event] = {}
        self._closed = threading.Event()

    def convert(
        self,
        job: str,
        source: Path,
        folder: Path,
        style: str,
        look: Look,
        on_progress: OnProgress,
        detail: Detail = "normal",
    ) -> Conversion:
        """Convert `source` into `folder`, which is empty; both are the visitor's.

        Args:
            job: a name to cancel it by.
            source: a picture or a video.
            folder: where the result goes.
            style: see `cartoonize.load`.
            look: which effects the drawings get; of a picture those that need no other frames.
            on_progress: called before the first frame, and after each.
            detail: the size at which it is drawn; see `cartoonize.stylize`.

        Raises:
            CancelledError: `cancel` was called, or `stop`.
            CartoonizeError: it cannot be converted, or is beyond the limits.
        """
        with self._turn(job) as cancelled:
            self.limits.check(source)
            notices: list[str] = []
            decoding = Decoding(max_pixels=self.limits.pixels, detail=detail)
            decoding = prepare_decoding(decoding, look, style, notices)
            with open_source(source, decoding=decoding) as frames:
                target = folder / f"{source.stem}-cartoon{_suffix(source, frames)}"
                report = Report(str(target), style, notices=notices)
                monitor = _Monitor(frames.frames, self.limits, [cancelled, self._closed], on_progress)
                sink = open_sink(target, frames, size=written_size(frames, look))
                run(frames, sink, self._backend(style), report, look=look, on_frame=monitor)
                still = frames.video is None
        return _describe(source, report, still=still)

    def cancel(self, job: str) -> None:
        """Stop a conversion before its next frame; of one that waits, before its first."""
        if cancelled := self._cancelled.get(job):
            cancelled.set()

    def stop(self) -> None:
        """Cancel the conversion at work and all that wait."""
        self._closed.set()

    def close(self) -> None:
        """`stop`, wait until the conversion has ended, and close the networks."""
        self.stop()
        with self._busy:
            while self._backends:
                self._backends.popitem()[1].close()

    @contextmanager
    def _turn(self, job: str) -> Iterator[threading.Event]:
        cancelled = self._cancelled[job] = threading.Event()
        try:
            with self._busy:
                yield cancelled
        finally:
            if self._cancelled.get(job) is cancelled:
                del self._cancelled[job]

    def _backend(self, style: str) -> LoadedBackend:
        if style not in self._backends:
            self._backends[style] = load(style, device=self._device)
        return self._backends[style]


class _Monitor:
    """Reports the progress after each frame, and ends a conversion that is cancelled or beyond a limit."""

    def __init__(
        self, total: int | None, limits: Limits, events: list[threading.Event], on_progress: OnProgress
    ) -> None:
        self._total, self._limits, self._events, self._on_progress = total, limits, events, on_progress
        self._first = 0.0
        self(0)

    def __call__(self, done: int) -> None:
        if any(event.is_set() for event in self._events):
            raise CancelledError
        self._limits.check_frames(done)
        if done <= 1:  # the time before the first frame is that of opening files and loading the network
            self._first = time.monotonic()
        self._on_progress(done, self._total, self._seconds_left(done))

    def _seconds_left(self, done: int) -> float | None:
        if done <= 1 or not self._total:
            return None
        return (time.monotonic() - self._first) / (done - 1) * max(0, self._total - done)


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
        read_picture(source, [])[0].save(before)
    notices = [notice.replace(f"{source.parent}/", "") for notice in report.notices]
    return Conversion(before, after, after.suffix == ".mp4", notices)
