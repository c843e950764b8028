"""Shared by the commands that convert: open a backend or a cluster and print its device; a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.messages import count_noun
from .console import escape, print_message
from .options import NetworkOptions, OnnxFileOptions
from .progress import file_progress, spinner

if TYPE_CHECKING:
    from ..backends import LoadedBackend
    from ..cluster.connection import Cluster
    from ..media import Sink, Source
    from ..run.file_jobs import Job
    from ..run.report import Report

Load: TypeAlias = Callable[[], "LoadedBackend"]
Progress: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows a file and its frames, as progress.file_progress does."""
ConvertJob: TypeAlias = Callable[["Job", Progress], "Report"]
"""Converts a file, and shows its progress."""


def open_backend(network: NetworkOptions, onnx: OnnxFileOptions | None = None) -> "LoadedBackend":
    """Load the network, and print the device that runs it."""
    with spinner(f"Loading {network.style}"):
        from ..backends import load

        backend = load(**asdict(network), options=None if onnx is None else onnx.build())
    if backend.runtime == "null":
        print_message("The style null draws nothing: each frame stays as it is.")
    else:
        print_message(
            f"Drawing with [bold]{escape(network.style)}[/bold] on {escape(describe_device(backend.device))} "
            f"({backend.precision}, {backend.runtime})"
        )
    return backend


def describe_device(device: str) -> str:
    """The device of a backend in words; each runtime has a name of its own for the CPU."""
    from ..core.cpus import count_threads

    if device == "cpu" or device.endswith("threads)"):
        return count_noun(count_threads(), "CPU core")
    return device


@contextmanager
def open_backend_once(network: NetworkOptions, onnx: OnnxFileOptions) -> Iterator[Load]:
    """Yield a function that loads the network at its first call; it is closed at the end of the block."""
    with ExitStack() as stack:
        yield cache(lambda: stack.enter_context(open_backend(network, onnx)))


@contextmanager
def connect_cluster(address: str, network: NetworkOptions) -> "Iterator[Cluster]":
    """Connect to a cluster and print its number of workers and their resources."""
    from ..cluster.connection import connect

    with connect(address, network.device) as cluster:
        worker = "a GPU" if cluster.gpus else count_noun(cluster.cpus, "core")
        print_message(
            f"Drawing with [bold]{escape(network.style)}[/bold] on {cluster.slots()} x {worker} of the Ray "
            "cluster"
        )
        yield cluster


@contextmanager
def connect_cluster_once(address: str, network: NetworkOptions) -> "Iterator[Callable[[], Cluster]]":
    """Yield a function that connects to a cluster at its first call."""
    with ExitStack() as stack:
        yield cache(lambda: stack.enter_context(connect_cluster(address, network)))


def convert(
    source: "Source",
    sink: "Sink",
    backend: "LoadedBackend",
    report: "Report",
    progress: Progress = file_progress,
    **options: Any,
) -> "Report":
    """Run a job (see run.job.run) under a progress bar."""
    from ..run.job import run

    with progress(report.output, source.frames) as show_frames:
        return run(source, sink, backend, report, on_frame=show_frames, **options)
