"""Drawing what comes in, as it comes in: the newest frame is drawn, and those that are late are dropped.

    reading thread -> mailbox -> network's thread -> mailbox -> caller (encodes or shows)

Files are drawn by job.run, which drops nothing and takes its time. The parts are the same.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from ..backends import LoadedBackend
from ..core.errors import SourceError
from ..core.frames import Frame, Image
from ..effects.effect import EffectChain
from ..effects.look import Look
from ..media import Sink
from ..run.pipeline import LatestItem, latest
from ..run.report import Report
from .capture import CaptureInput, list_cameras, resolve_source
from .detail import DetailControl
from .latency import LatencyMeter
from .sinks import NullSink, StreamSink, open_live_sink
from .source import Arrival, LiveSource

TICK = 0.02
"""Seconds after which `ended` is asked again, if nothing comes."""
_MANY = 0.2  # of all frames, dropped without being asked for


@dataclass(slots=True)
class LiveReport(Report):
    """What was drawn of what came in, and with what.

    `dropped` frames came in and were not drawn, or not shown, as a newer one was there. `latency` holds
    milliseconds from the last byte of a frame to the return of the sink: median, p95 and most. `detail` is
    that of the last frame.
    """

    detail: str = "full"
    dropped: int = 0
    latency: dict[str, int] = field(default_factory=dict)


def run(
    source: LiveSource,
    sink: Sink,
    backend: LoadedBackend,
    report: LiveReport,
    *,
    look: Look | None = None,
    control: DetailControl | None = None,
    ended: Callable[[LatencyMeter], bool] = lambda _: False,
) -> LiveReport:
    """Draw the newest frame of `source` into `sink`, again and again; fills in the report and returns it.

    `look` says which effects the drawings get. `control` changes the detail to what keeps up; without it,
    that of the source stays.

    It lasts until the source ends or `ended` says so, which is asked after every frame and every TICK. What
    went into the sink is complete then, whatever became of the source.

    Raises:
        SourceError: the source went away.
    """
    meter, started = LatencyMeter(), time.monotonic()
    look = (look or Look()).available(backend.runtime, report.notices)
    report.stabilized, report.hold = look.stabilize, look.hold
    report.device, report.precision, report.backend = backend.device, backend.precision, backend.runtime
    report.width, report.height = source.video.width, source.video.height
    gone: SourceError | None = None
    with sink:
        try:
            _show(source, sink, backend, EffectChain(look.effects()), meter, control, ended)
        except SourceError as error:
            gone = error
    report.frames, report.dropped, report.latency = meter.frames, meter.dropped, meter.latency()
    report.detail = source.detail
    report.set_duration(time.monotonic() - started)
    report.notices += [*source.notices, *backend.notices, *sink.notices, *_advice(report)]
    if gone is not None:
        gone.add_note(f"{report.frames} frames were drawn until then, into {report.output}.")
        raise gone
    return report


def _show(
    source: LiveSource,
    sink: Sink,
    backend: LoadedBackend,
    effects: EffectChain,
    meter: LatencyMeter,
    control: DetailControl | None,
    ended: Callable[[LatencyMeter], bool],
) -> None:
    read, drawn = LatestItem(), LatestItem()
    arrivals = latest(source.arrivals(), read)
    shown: _Drawing | None = None
    drawing_thread = latest(_drawings(arrivals, source, backend, effects, read, control), drawn, TICK)
    with closing(drawing_thread) as drawings:
        try:
            for drawing in drawings:
                if drawing is not None:
                    sink.write(_apply(effects, drawing, shown))
                    shown = drawing
                    meter.dropped = read.dropped + drawn.dropped
                    meter.out(drawing.arrived)
                if ended(meter):
                    break
        finally:
            source.stop()


class _Drawing(NamedTuple):
    """A frame, the last frame that was drawn, which may be the same, its drawing, and when the frame came
    in."""

    frame: Frame
    drawn: Frame
    image: Image
    arrived: float


def _drawings(
    arrivals: Generator[Arrival | None],
    source: LiveSource,
    backend: LoadedBackend,
    effects: EffectChain,
    read: LatestItem,
    control: DetailControl | None,
) -> Generator[_Drawing]:
    """Draw the frames that the effects do not skip."""
    dropped = 0
    last: tuple[Frame, Image] | None = None
    with closing(arrivals):
        for arrival in arrivals:
            assert arrival is not None  # as there is no tick
            began = time.monotonic()
            frame = source.convert(arrival)
            if not effects.skip(frame, first=last is None) or last is None:
                last = frame, backend(frame.image[None])[0]
            now = time.monotonic()
            if control and control.drew(now, now - began, read.dropped - dropped):
                source.draw_at(control.detail)
            dropped = read.dropped
            yield _Drawing(frame, *last, arrival.at)


def _apply(effects: EffectChain, drawing: _Drawing, shown: _Drawing | None) -> Frame:
    """The frame to write; `shown` is what was written before it."""
    if shown is not None and shown.drawn is drawing.drawn:
        return effects(drawing.frame, None)
    result = effects(drawing.drawn, drawing.image)
    # Otherwise the frame that was drawn has been dropped, and the effects have just seen its drawing.
    return result if drawing.frame is drawing.drawn else effects(drawing.frame, None)


def _advice(report: LiveReport) -> list[str]:
    came = report.frames + report.dropped
    if report.dropped <= _MANY * came:
        return []
    where = f"this machine does no more of {report.width}x{report.height} pixels in this style"
    mended = "A lower --detail makes it smoother, and a lower --fps steadier."
    return [f"{report.dropped} of {came} frames were dropped: {where}. {mended}"]


__all__ = [
    "TICK", "CaptureInput", "DetailControl", "LatencyMeter", "LiveReport", "LiveSource", "NullSink",
    "StreamSink", "list_cameras",
    "resolve_source", "open_live_sink", "run",
]  # fmt: skip
