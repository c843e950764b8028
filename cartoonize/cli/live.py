"""`cartoonize live`."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BackendError, MediaError
from ..core.messages import count_noun
from .console import escape, print_json, print_message, print_notices
from .convert import open_backend
from .options import (
    EncoderOptions,
    LiveOptions,
    LiveSizeOptions,
    NetworkOptions,
    OnnxFileOptions,
    OutputOptions,
    VideoLookOptions,
)
from .progress import status_line

if TYPE_CHECKING:
    from ..live import DetailControl, LatencyMeter, LiveReport, LiveSource

_REFRESH = 0.25  # seconds


def live(
    *,
    options: LiveOptions,
    network: NetworkOptions,
    output: OutputOptions,
    look: VideoLookOptions,
    size: LiveSizeOptions,
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
    from ..core.signals import StopRequest
    from ..live import LiveReport, LiveSource, open_live_sink, resolve_source, run
    from ..live.keyboard import QuitKey
    from ..live.sinks import check_live_sink
    from ..run.job import prepare_decoding, written_size

    effects, encoding = look.build(), encoder.build()
    check_live_sink(options.sink, Path(options.source), overwrite=output.overwrite, encoding=encoding)
    report = LiveReport(options.sink, network.style, options.source)
    decoding = prepare_decoding(size.build(), effects, network.style, report.notices)
    capture, quit_key = resolve_source(options.source, size=options.size, fps=options.fps), QuitKey()
    with (
        open_backend(network, onnx) as backend,
        LiveSource(capture, decoding=decoding, fps=options.fps, timeout=options.timeout) as source,
        StopRequest(on_request=quit_key.restore) as stop,
    ):
        sink = open_live_sink(
            options.sink, source, title=f"cartoonize: {network.style}", overwrite=output.overwrite,
            size=written_size(source, effects), encoding=encoding,
        )  # fmt: skip
        adapts = size.detail == "auto" and decoding.detail != "full"
        control = _control_detail(source) if adapts else None
        try:
            with status_line() as show, quit_key:
                requests = [lambda: stop.requested, quit_key.pressed, sink.is_closed]
                ended = _show_until(requests, show, source)
                run(source, sink, backend, report, look=effects, control=control, ended=ended)
        except (MediaError, BackendError):
            _print_report(report, as_json=output.as_json)
            raise
        _print_report(report, as_json=output.as_json)


def _control_detail(source: "LiveSource") -> "DetailControl":
    from ..live import DetailControl
    from ..live.detail import possible_details

    width, height = source.video.width, source.video.height
    return DetailControl(possible_details(width, height), width, height)


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
    elif report.state == "converted":  # else the error counts the frames
        latency = report.latency
        print_message(
            f"{escape(report.output)}: {count_noun(report.frames, 'frame')} in {report.seconds:.1f} s, "
            f"{report.fps:.1f} frames/s, {latency['median']} ms behind (95 %: {latency['p95']} ms), "
            f"detail {report.detail}, {report.dropped} dropped"
        )
