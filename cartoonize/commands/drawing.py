"""What the commands that draw have in common: a back end that says what it is, and a bar."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

from ..console import plain, progress, say

if TYPE_CHECKING:
    from ..backends import LoadedBackend
    from ..job import Report
    from ..media import Sink, Source

Bar: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows a file and its frames, as console.progress does."""


def open_backend(
    style: str,
    device: str,
    precision: Any,
    provider: Any = "auto",
    input_range: Any = "auto",
    channel_order: Any = "rgb",
) -> "LoadedBackend":
    from ..backends import load
    from ..backends.onnx import OnnxOptions

    options = OnnxOptions(provider, input_range, channel_order)
    told = None if options == OnnxOptions() else options
    backend = load(style, device=device, precision=precision, onnx=told)
    say(f"[bold]{plain(style)}[/bold] on {plain(backend.device)}, {backend.precision}, {backend.runtime}")
    return backend


def draw(
    source: "Source",
    sink: "Sink",
    backend: "LoadedBackend",
    report: "Report",
    batch: int | None,
    bar: Bar = progress,
    **options: Any,
) -> "Report":
    from ..job import run

    with bar(report.output, source.frames) as done:
        return run(source, sink, backend, report, batch=batch, on_frame=done, **options)
