"""What the commands that draw have in common: a back end that says what it is, and a bar."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import plain, progress, say

if TYPE_CHECKING:
    from ..backends import LoadedBackend
    from ..backends.onnx import OnnxOptions
    from ..cluster.connect import Cluster
    from ..job import Report
    from ..media import Sink, Source


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


def onnx_options(provider: Any, input_range: Any, channel_order: Any) -> "OnnxOptions | None":
    """What was said of an .onnx file, if anything was."""
    from ..backends.onnx import OnnxOptions

    options = OnnxOptions(provider, input_range, channel_order)
    return None if options == OnnxOptions() else options


def draw_on_cluster(address: str, device: str, source: Path, target: Path, **options: Any) -> "Report":
    """Draw a video by the machines of a cluster; the options are those of `cluster.jobs.Job`."""
    from ..cluster.connect import connected
    from ..cluster.jobs import Job, draw_job
    from ..resume import SEGMENT

    with connected(address, device) as cluster:
        say_cluster(cluster, options["style"])
        return draw_job(
            cluster, Job(source, target, device=device, **options), partial(progress, step=2 * SEGMENT)
        )


def say_cluster(cluster: "Cluster", style: str) -> None:
    """What is going to draw."""
    each = "a GPU" if cluster.gpus else f"{cluster.cpus} core{'s' * (cluster.cpus != 1)}"
    say(f"[bold]{plain(style)}[/bold] on {cluster.slots()} x {each} of Ray's cluster")


def draw(
    source: "Source",
    sink: "Sink",
    backend: "LoadedBackend",
    report: "Report",
    batch: int | None,
    **options: bool,
) -> "Report":
    from ..job import run

    with progress(report.output, source.frames) as done:
        return run(source, sink, backend, report, batch=batch, on_frame=done, **options)
