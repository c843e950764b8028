"""`cartoonize live`."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.choices import DETAILS
from ..core.errors import MediaError
from ..styles import DEFAULT
from .completion import words
from .console import plain, print_result, say, status, tell
from .drawing import open_backend
from .options import AsJson, Debug, Device, Overwrite, PrecisionName, Stabilize, Style, parse_rate, parse_size

if TYPE_CHECKING:
    from ..live import LatencyMeter, LiveReport, LiveSource

_REFRESH = 0.25  # seconds


def live(
    source: Annotated[
        str,
        typer.Option(
            metavar="camera|URL|FILE",
            help="camera, camera:1 or camera:NAME; an address, as udp://:5000 or rtsp://...; a file, played "
            "in real time; lavfi: and a graph of FFmpeg's filters.",
        ),
    ] = "camera",
    sink: Annotated[
        str,
        typer.Option(
            metavar="window|URL|FILE",
            help="window; an address, as udp://127.0.0.1:5000 or rtmp://...; a file to record to; null, to "
            "measure.",
        ),
    ] = "window",
    style: Style = DEFAULT,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    stabilize: Stabilize = True,
    detail: Annotated[
        str,
        typer.Option(
            metavar="auto|low|normal|high|full",
            help="Draw at 480, 720 or 1080 lines, or at the source's own; auto is the highest that keeps "
            "up, from normal down.",
            autocompletion=words(("auto", *DETAILS)),
        ),
    ] = "auto",
    max_size: Annotated[
        int,
        typer.Option(
            min=16, metavar="PX", help="Make the result no larger than this; 640 is 360p of a wide picture."
        ),
    ] = 1280,
    fps: Annotated[
        str | None,
        typer.Option(metavar="RATE", help="Frames a second to ask a camera for, and to draw at most."),
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="The size to ask a camera for.")] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Give a source up that is silent for so many seconds.")
    ] = 10.0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Draw a camera, a stream or a file in real time. q or Ctrl-C ends it, and a recording is whole then.

    The newest frame is drawn; those that are late are dropped and counted. Sound is left out.

    [bold]Examples[/bold]

      cartoonize live

      cartoonize live --max-size 640 --sink udp://127.0.0.1:5000

      cartoonize live --source udp://:5000 --sink cartoon.mp4

      cartoonize live --source lavfi:testsrc2=size=640x360:rate=30
    """
    from ..core.draw_size import resolve_detail
    from ..core.signals import StopRequest
    from ..effects.look import Look
    from ..live import DetailControl, LiveReport, LiveSource, open_live_sink, resolve_source, run
    from ..live.detail import possible_details
    from ..live.keyboard import QuitKey
    from ..live.window import WindowSink
    from ..media import Decoding

    rate = parse_rate(fps)
    if rate is not None and rate <= 0:
        raise MediaError(f"{fps} frames/s cannot be; write a rate above 0.")
    found = resolve_source(source, size=parse_size(size) if size else None, fps=rate)
    report = LiveReport(source, sink, style)
    adapts = detail == "auto"
    chosen = resolve_detail("normal" if adapts else detail, style, report.notices)
    decoding = Decoding(max_size=max_size, detail=chosen)
    quit_key = QuitKey()
    with (
        open_backend(style, device, precision) as backend,
        LiveSource(found, decoding=decoding, fps=rate, timeout=timeout) as pictures,
        StopRequest(on_request=quit_key.restore) as stop,
    ):
        control = None
        if adapts and chosen != "full":
            control = DetailControl(
                possible_details(pictures.width, pictures.height), pictures.width, pictures.height
            )
        target = open_live_sink(sink, pictures, title=f"cartoonize: {style}", overwrite=overwrite)
        with status() as show, quit_key:
            asked = [
                lambda: stop.requested,
                quit_key.pressed,
                *([target.ended] if isinstance(target, WindowSink) else []),
            ]
            watch = _watch(show, asked, pictures)
            run(pictures, target, backend, report, look=Look(stabilize), control=control, ended=watch)
        _finish(report, as_json)


def _watch(
    show: Callable[[str], None], asked: list[Callable[[], bool]], source: "LiveSource"
) -> "Callable[[LatencyMeter], bool]":
    """Show the figures now and then, and tell whether anybody wants to end it."""
    shown = 0.0

    def ended(meter: "LatencyMeter") -> bool:
        nonlocal shown
        if time.monotonic() > shown + _REFRESH:
            shown = time.monotonic()
            show(f"{meter.line()}, detail {source.detail}; q ends it")
        return any(question() for question in asked)

    return ended


def _finish(report: "LiveReport", as_json: bool) -> None:
    tell(report.notices)
    if as_json:
        print_result(asdict(report))
    else:
        took, plural = report.latency, "s" * (report.frames != 1)
        say(
            f"{plain(report.sink)}: {report.frames} frame{plural} in {report.seconds:.1f} s, "
            f"{report.fps:.1f} frames/s, {took['median']} ms behind (95 %: {took['p95']} ms), "
            f"detail {report.detail}, {report.dropped} dropped"
        )
