"""Draws what visitors bring, one at a time, as the command line would."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..backends import LoadedBackend, load
from ..core.choices import Detail
from ..effects.look import Look
from ..media import Decoding, PictureSource, Source, open_sink, open_source
from ..media.pictures.picture import read_picture
from ..run.job import Report, prepare_decoding, run, written_size
from .limits import Limits

_SHOWN = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".gif", ".bmp"}
"""Pictures and animations that browsers show. They are drawn in their own format."""

Told = Callable[[int, int | None, float | None], None]
"""Is told how many frames are done, of how many, and the seconds that are left; as far as known."""


class CancelledError(Exception):
    """The visitor, or the end of the server, has stopped the drawing."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What was drawn, and what of; `before` in a form that browsers show, if there is one."""

    before: Path
    after: Path
    is_video: bool
    notices: list[str] = field(default_factory=list)


class Worker:
    """Networks that are loaded once each, and a lock: there is one drawing at a time."""

    def __init__(self, limits: Limits, device: str = "auto") -> None:
        self.limits = limits
        self._device = device
        self._networks: dict[str, LoadedBackend] = {}
        self._at_work = threading.Lock()
        self._stops: dict[str, threading.Event] = {}
        self._closed = threading.Event()

    def draw(
        self,
        job: str,
        source: Path,
        folder: Path,
        style: str,
        look: Look,
        told: Told,
        detail: Detail = "normal",
    ) -> Drawing:
        """Draw `source` into `folder`, which is empty; both are the visitor's.

        Args:
            job: a name to cancel it by.
            source: a picture or a video.
            folder: where the drawing goes.
            style: see `cartoonize.load`.
            look: which effects the drawings get.
            told: called before the first frame, and after each.
            detail: the size at which it is drawn; see `cartoonize.stylize`.

        Raises:
            CancelledError: `cancel` was called, or `close`.
            CartoonizeError: it cannot be drawn, or is beyond the limits.
        """
        with self._turn(job) as stop:
            self.limits.check(source)
            notices: list[str] = []
            asked = Decoding(max_pixels=self.limits.pixels, detail=detail)
            decoding = prepare_decoding(asked, look, style, notices)
            with open_source(source, decoding=decoding) as frames:
                target = folder / f"{source.stem}-cartoon{_suffix(source, frames)}"
                report = Report(str(target), style, notices=notices)
                watch = _Watch(frames.frames, self.limits, [stop, self._closed], told)
                still = isinstance(frames, PictureSource)
                sink = open_sink(target, frames, size=written_size(frames, look))
                run(frames, sink, self._network(style), report, look=look, on_frame=watch)
        return _drawing(source, report, still=still)

    def cancel(self, job: str) -> None:
        """Stop a drawing, if it is being made, before its next frame."""
        if stop := self._stops.get(job):
            stop.set()

    def stop(self) -> None:
        """Stop what is being drawn, and draw nothing more."""
        self._closed.set()

    def close(self) -> None:
        """The same, and wait until it has stopped; close the networks."""
        self.stop()
        with self._at_work:
            while self._networks:
                self._networks.popitem()[1].close()

    @contextmanager
    def _turn(self, job: str) -> Iterator[threading.Event]:
        stop = self._stops[job] = threading.Event()
        try:
            with self._at_work:
                yield stop
        finally:
            if self._stops.get(job) is stop:
                del self._stops[job]

    def _network(self, style: str) -> LoadedBackend:
        if style not in self._networks:
            self._networks[style] = load(style, device=self._device)
        return self._networks[style]


class _Watch:
    """Tells after each frame how far the drawing is; raises where there is to be no further one."""

    def __init__(self, total: int | None, limits: Limits, stops: list[threading.Event], told: Told) -> None:
        self._total, self._limits, self._stops, self._told = total, limits, stops, told
        self._first = 0.0
        self(0)

    def __call__(self, done: int) -> None:
        if any(stop.is_set() for stop in self._stops):
            raise CancelledError
        self._limits.check_frames(done)
        if done <= 1:  # what came before the first was making ready
            self._first = time.monotonic()
        self._told(done, self._total, self._left(done))

    def _left(self, done: int) -> float | None:
        if done <= 1 or not self._total:
            return None
        return (time.monotonic() - self._first) / (done - 1) * max(0, self._total - done)


def is_shown(path: Path) -> bool:
    """Whether browsers show it as a picture."""
    return path.suffix.lower() in _SHOWN


def _suffix(source: Path, frames: Source) -> str:
    """Of the drawing: the source's, if browsers show such files; else PNG, or MP4, which all of them play."""
    if is_shown(source):
        return source.suffix.lower()
    return ".png" if isinstance(frames, PictureSource) else ".mp4"


def _drawing(source: Path, report: Report, *, still: bool) -> Drawing:
    after = Path(report.output)
    before = source
    if still and not is_shown(source):
        before = after.with_name("before.png")
        read_picture(source, [])[0].save(before)
    notices = [notice.replace(f"{source.parent}/", "") for notice in report.notices]
    return Drawing(before, after, after.suffix == ".mp4", notices)
