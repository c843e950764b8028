"""Live conversion: the latest frame is drawn, and frames that are late are dropped.

    reading thread -> mailbox -> network's thread -> mailbox -> caller (encodes or shows)

Files are converted by run/job.py, which drops nothing. The parts are the same.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from ..backends import LoadedBackend
from ..core.errors import BackendError, MediaError, ModelError, SourceError
from ..core.frames import Frame, Image
from ..core.messages import first_line
from ..effects.effect import EffectChain
from ..effects.look import Look
from ..media import Sink
from ..run.drawer import Drawer
from ..run.job import prepare_look
from ..run.report import Report
from ..run.threads import LatestItem, latest
from .detail import DetailControl, possible_details
from .latency import LatencyMeter
from .live_input import Arrival
from .source import LiveSource

TICK = 0.02
"""Seconds after which `ended` is called again if no frame comes."""
_MANY_DROPPED = 0.2  # share of all frames above which the report gives advice


@dataclass(slots=True)
class LiveReport(Report):
    """The result of a live conversion.

    `dropped` counts the frames that were not drawn, or not shown, because a newer one had arrived. `latency`
    holds the milliseconds from the last received byte of a frame until the sink has written it: median, p95
    and max. `detail` is that of the last frame.
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
    """Convert the latest frame of `source` into `sink` repeatedly; fill in the report and return it.

    Args:
        source: where frames come from.
        sink: where frames go. Its output is complete at the end, even if the source or the network failed.
        backend: the network.
        report: the report to fill in; its `notices` are kept.
        look: the effects that are applied to the drawings.
        control: changes the detail to the highest that keeps up; by default the source's stays.
        ended: called after every frame, and every TICK; the conversion ends when it returns true.

    Raises:
        SourceError: the source disappeared; the report is filled in all the same.
        BackendError: the network failed; the same.
        MediaError: the output cannot be written; the same, and a recording keeps what was written.
    """
    meter, started = LatencyMeter(), time.monotonic()
    look = prepare_look(look or Look(), backend, report)
    report.width, report.height = look.size(source.video.width, source.video.height)
    failure: SourceError | BackendError | None = None
    try:
        with sink:
            try:
                _show(source, sink, Drawer(backend, look.effects()), meter, control, ended)
            except (SourceError, BackendError) as error:
                if not meter.frames:  # there is nothing to keep
                    raise
                failure = error
    except (MediaError, BackendError) as error:
        report.fail(error)
        raise
    finally:
        report.frames, report.dropped, report.latency = meter.frames, meter.dropped, meter.quantiles()
        report.detail = source.detail
        report.set_duration(time.monotonic() - started)
        report.notices += [*source.notices, *backend.notices, *sink.notices, *_advice(report, source)]
    if failure is not None:
        report.fail(failure)
        failure.add_note(f"{report.frames} frames were converted until then, into {report.output}.")
        raise failure
    return report


def _show(
    source: LiveSource,
    sink: Sink,
    drawer: Drawer,
    meter: LatencyMeter,
    control: DetailControl | None,
    ended: Callable[[LatencyMeter], bool],
) -> None:
    read, drawn = LatestItem(), LatestItem()
    arrivals = latest(source.arrivals(), read)
    shown: _Drawing | None = None
    drawing_thread = latest(_draw_arrivals(arrivals, source, drawer, read, control), drawn, TICK)
    with closing(drawing_thread) as drawings:
        try:
            for drawing in drawings:
                if drawing is not None:
                    sink.write(_apply(drawer.effects, drawing, shown))
                    shown = drawing
                    meter.dropped = read.dropped + drawn.dropped
                    meter.record(drawing.arrived)
                if ended(meter):
                    break
        finally:
            source.stop()


class _Drawing(NamedTuple):
    """A frame, and the drawing for it: that of `drawn`, which is the same frame or an earlier one.

    `arrived` is when the frame came in.
    """

    frame: Frame
    drawn: Frame
    image: Image
    arrived: float


def _draw_arrivals(
    arrivals: Generator[Arrival | None],
    source: LiveSource,
    drawer: Drawer,
    read: LatestItem,
    control: DetailControl | None,
) -> Generator[_Drawing]:
    """Draw the frames that the effects do not skip.

    Raises:
        BackendError: the network failed.
    """
    dropped = 0
    last: tuple[Frame, Image] | None = None
    with closing(arrivals):
        for arrival in arrivals:
            assert arrival is not None  # as there is no tick
            began = time.monotonic()
            frame = source.convert(arrival)
            if not drawer.effects.skip(frame, first=last is None) or last is None:
                try:
                    last = frame, drawer([frame])()[0]
                except (ModelError, RuntimeError) as error:  # ONNX Runtime's and PyTorch's, if a GPU fails
                    raise BackendError(f"The network failed: {first_line(error)}") from error
            now = time.monotonic()
            if control and control.record(now, now - began, read.dropped - dropped):
                source.draw_at(control.detail)
            dropped = read.dropped
            yield _Drawing(frame, *last, arrival.at)


def _apply(effects: EffectChain, drawing: _Drawing, shown: _Drawing | None) -> Frame:
    """The frame to write; `shown` is the drawing that was written before it.

    If the frame that was drawn has been dropped, a later frame brings its drawing. So the effects get each
    new drawing first, with the frame that it was drawn for.
    """
    is_new = shown is None or shown.drawn is not drawing.drawn
    result = effects(drawing.drawn, drawing.image) if is_new else None
    if result is not None and drawing.frame is drawing.drawn:
        return result
    return effects(drawing.frame, None)


def _advice(report: LiveReport, source: LiveSource) -> list[str]:
    total = report.frames + report.dropped
    if report.dropped <= _MANY_DROPPED * total:
        return []
    width, height = source.video.width, source.video.height
    reason = f"this machine is too slow for {width}x{height} pixels in this style"
    advice = "A lower --fps makes it steadier."
    if source.detail != possible_details(width, height)[-1]:
        advice = "A lower --detail makes it smoother, and a lower --fps steadier."
    return [f"{report.dropped} of {total} frames were dropped: {reason}. {advice}"]
