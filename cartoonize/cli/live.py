"""`cartoonize live`."""

import time
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..core.errors import MediaError
from ..core.messages import count_noun
from .console import escape, print_json, print_message, print_notices
from .convert import open_backend
from .options import LOOK, EncoderOptions, NetworkOptions, OnnxFileOptions, OutputOptions, VideoLookOptions
from .progress import status_line
from .values import Size, parse_rate, parse_size

if TYPE_CHECKING:
    from ..live import LatencyMeter, LiveReport, LiveSource

_REFRESH = 0.25  # seconds


def live(
    *,
    source: Annotated[
        str,
        typer.Option(
            metavar="camera|URL|FILE",
            help="camera, camera:1 or camera:NAME; an address such as udp://:5000 or rtsp://...; a file, "
            "played in real time; lavfi: and a filter graph of FFmpeg.",
        ),
    ] = "camera",
    sink: Annotated[
        str,
        typer.Option(
            metavar="window|camera|URL|FILE",
            help="window; camera, a virtual one for Zoom, Teams and OBS; an address such as "
            "udp://127.0.0.1:5000 or rtmp://...; a file to record to; null, to measure.",
        ),
    ] = "window",
    network: NetworkOptions,
    output: OutputOptions,
    look: VideoLookOptions,
    detail: Annotated[
        Literal["auto", "low", "normal", "high", "full"],
        typer.Option(
            metavar="LEVEL",
            help="Lines at which the network draws: low is 480, normal 720, high 1080, full all of the "
            "source; auto is the highest up to normal that keeps up.",
            rich_help_panel=LOOK,
        ),
    ] = "auto",
    max_size: Annotated[
        int,
        typer.Option(
            min=16,
            metavar="PX",
            help="Largest width or height of the result in pixels; 640 is 360p of a wide picture.",
            rich_help_panel=LOOK,
        ),
    ] = 1280,
    fps: Annotated[
        Fraction | None,
        typer.Option(
            parser=parse_rate,
            metavar="RATE",
            help="Frames per second to ask a camera for, and to convert at most.",
        ),
    ] = None,
    size: Annotated[
        Size | None,
        typer.Option(parser=parse_size, metavar="WxH", help="Size to ask a camera for."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Stop if the source sends nothing for S seconds.")
    ] = 10.0,
    encoder: EncoderOptions,
    onnx: OnnxFileOptions,
) -> None:
    """Convert a camera, a stream or a file in real time. q or Ctrl-C ends it; a recording is complete then.

    The latest frame is converted; frames that are late are dropped and
    counted. Sound is left out.

    Examples:
      cartoonize live
      cartoonize live --sink camera
      cartoonize live --max-size 640 --sink udp://127.0.0.1:5000
      cartoonize live --source udp://:5000 --sink cartoon.mp4
      cartoonize live --source lavfi:testsrc2=size=640x360:rate=30
    """
    from ..core.draw_size import resolve_detail
    from ..core.signals import StopRequest
    from ..live import DetailControl, LiveReport, LiveSource, open_live_sink, resolve_source, run
    from ..live.detail import possible_details
    from ..live.keyboard import QuitKey
    from ..live.sinks import check_live_sink
    from ..media import Decoding
    from ..run.job import written_size

    if fps is not None and fps <= 0:
        raise MediaError(f"{fps} frames/s is not a frame rate; write a rate above 0.")
    check_live_sink(sink, Path(source), overwrite=output.overwrite, encoding=encoder.build())
    report = LiveReport(sink, network.style, source)
    adapts = detail == "auto"
    chosen = resolve_detail("normal" if adapts else detail, network.style, report.notices)
    effects = look.build()
    decoding = Decoding(max_size=max_size, detail=chosen, keep_source=effects.needs_source)
    capture = resolve_source(source, size=size, fps=fps)
    quit_key = QuitKey()
    with (
        open_backend(network, onnx) as backend,
        LiveSource(capture, decoding=decoding, fps=fps, timeout=timeout) as pictures,
        StopRequest(on_request=quit_key.restore) as stop,
    ):
        control = None
        if adapts and chosen != "full":
            shape = pictures.video.width, pictures.video.height
            control = DetailControl(possible_details(*shape), *shape)
        title = f"cartoonize: {network.style}"
        target = open_live_sink(
            sink, pictures, title=title, overwrite=output.overwrite, size=written_size(pictures, effects),
            encoding=encoder.build(),
        )  # fmt: skip
        with status_line() as show, quit_key:
            requests = [lambda: stop.requested, quit_key.pressed, target.is_closed]
            ended = _show_until(requests, show, pictures)
            run(pictures, target, backend, report, look=effects, control=control, ended=ended)
        _print_report(report, as_json=output.as_json)


def _show_until(
    requests: list[Callable[[], bool]], show: Callable[[str], None], source: "LiveSource"
) -> "Callable[[LatencyMeter], bool]":
    """Return a function that shows the figures every _REFRESH seconds, and returns whether to end the run."""
    last_shown = 0.0

    def ended(meter: "LatencyMeter") -> bool:
        nonlocal last_shown
        if time.monotonic() > last_shown + _REFRESH:
            last_shown = time.monotonic()
            show(f"{meter.line()}, detail {source.detail}; q ends it")
        return any(requested() for requested in requests)

    return ended


def _print_report(report: "LiveReport", *, as_json: bool) -> None:
    print_notices(report.notices)
    if as_json:
        print_json(asdict(report))
    else:
        latency = report.latency
        print_message(
            f"{escape(report.output)}: {count_noun(report.frames, 'frame')} in {report.seconds:.1f} s, "
            f"{report.fps:.1f} frames/s, {latency['median']} ms behind (95 %: {latency['p95']} ms), "
            f"detail {report.detail}, {report.dropped} dropped"
        )
