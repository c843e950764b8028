"""What the commands that draw have in common: a back end that says what it is, and a bar."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from .console import plain, progress, say

if TYPE_CHECKING:
    from ..backends import LoadedBackend
    from ..backends.onnx import OnnxOptions
    from ..cluster.connection import Cluster
    from ..media import Sink, Source
    from ..run.job import Report

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

    told = onnx_options(provider, input_range, channel_order)
    backend = load(style, device=device, precision=precision, onnx=told)
    say(f"[bold]{plain(style)}[/bold] on {plain(backend.device)}, {backend.precision}, {backend.runtime}")
    return backend


@contextmanager
def opened_once(*options: Any) -> "Iterator[Callable[[], LoadedBackend]]":
    """What opens the back end at its first call, as `open_backend`; it is closed at the end of the block."""
    with ExitStack() as stack:
        yield cache(lambda: stack.enter_context(open_backend(*options)))


def onnx_options(provider: Any, input_range: Any, channel_order: Any) -> "OnnxOptions | None":
    """What was said of an .onnx file, if anything was."""
    from ..backends.onnx import OnnxOptions

    options = OnnxOptions(provider, input_range, channel_order)
    return None if options == OnnxOptions() else options


@contextmanager
def joined(address: str, device: str, style: str) -> "Iterator[Cluster]":
    """A cluster, which says what is going to draw."""
    from ..cluster.connection import connected

    with connected(address, device) as cluster:
        each = "a GPU" if cluster.gpus else f"{cluster.cpus} core{'s' * (cluster.cpus != 1)}"
        say(f"[bold]{plain(style)}[/bold] on {cluster.slots()} x {each} of Ray's cluster")
        yield cluster


def draw(
    source: "Source",
    sink: "Sink",
    backend: "LoadedBackend",
    report: "Report",
    batch: int | None,
    bar: Bar = progress,
    **options: Any,
) -> "Report":
    from ..run.job import run

    with bar(report.output, source.frames) as done:
        return run(source, sink, backend, report, batch=batch, on_frame=done, **options)
