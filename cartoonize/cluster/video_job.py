"""A video for a cluster, and its conversion if it can be divided: its ranges are joined into one file."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import ray

from ..backends import RuntimeOptions
from ..core.choices import Precision
from ..core.errors import ClusterError
from ..effects.look import Look
from ..media import Decoding, Encoding, Location, ResumableSink, ResumableSource, Sink, Source
from ..run.job import mark_partial, prepare_look
from ..run.pipeline import segment_length
from ..run.report import Report, frames_per_second
from ..run.segmented import identity
from ..styles import DEFAULT
from ..version import __version__
from .connection import Cluster
from .scheduler import Scheduler, cause_of
from .worker import StyleFiles, VideoTask, WorkerBackend, describe, put_style


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A video to convert, with the options of `stylize`.

    `device` is where the driver draws a video that cannot be divided.
    """

    source: Location
    target: Location
    style: str = DEFAULT
    device: str = "auto"
    precision: Precision = "auto"
    options: RuntimeOptions | None = None
    batch: int | None = None
    start: float | None = None
    end: float | None = None
    decoding: Decoding = field(default_factory=lambda: Decoding(detail="normal"))
    encoding: Encoding = field(default_factory=Encoding)
    look: Look = field(default_factory=Look)
    resume: bool = True
    tolerate_errors: bool = False
    overwrite: bool = False


@dataclass(slots=True)
class ClusterReport(Report):
    """The result of a job on a cluster.

    `nodes` holds the frames that each node converted, and its frames a second. `retries` counts the
    workers that died, ran out of memory, hung or reported an error, and whose range was converted again.
    """

    nodes: dict[str, dict[str, float]] = field(default_factory=dict)
    retries: int = 0


def reason_not_to_divide(source: Source, sink: Sink) -> str | None:
    """Why this job cannot be divided, as the end of a sentence; None if it can."""
    if source.resumable is None:
        return "pictures and standard input cannot be divided"
    if sink.resumable is None:
        return "the output cannot be joined from segments"
    return None


def run_on_cluster(
    cluster: Cluster,
    job: VideoJob,
    source: ResumableSource,
    sink: ResumableSink,
    report: ClusterReport,
    on_frame: Callable[[int], None],
) -> ClusterReport:
    """Do what `run.job.run` does, by the workers of a cluster; the result is the same.

    `source` and `sink` are those of the job.

    Raises:
        ClusterError: workers died over the same segment again and again, or the head of the cluster is lost.
        CartoonizeError: as `run.job.run`, on two nodes.
    """
    started = time.perf_counter()
    style = put_style(job.style, cluster.device, job.precision, job.options)
    with sink:
        backend = _describe_backend(cluster, style)
        batch = backend.batch if job.batch is None else job.batch
        look = prepare_look(job.look, backend, report)
        report.width, report.height = look.size(source.video.width, source.video.height)
        key = identity(source, sink.encoding, job.style, backend.identity, look, batch)
        joined = sink.resume(key, restart=not job.resume)
        task = VideoTask(
            source.path, key["source"], source.start, source.end, source.decoding, sink.encoding,
            sink.muxer, style, batch, segment_length(batch), look, backend,
        )  # fmt: skip
        scheduler = Scheduler(cluster, source, sink, task, joined, on_frame)
        report.resumed = scheduler.frames
        scheduler.run()
        if source.damage:
            source.notices.append(source.damage.sentence(source.path.name))
        report.frames, report.retries = scheduler.frames, scheduler.retries
        if not job.tolerate_errors:
            mark_partial(source, sink, report)
    seconds = time.perf_counter() - started
    report.set_duration(seconds)
    report.nodes = {
        node: {"frames": frames, "fps": frames_per_second(frames, seconds)}
        for node, frames in scheduler.nodes.items()
    }
    notices = [
        *report.notices, *source.notices, *backend.notices, *sink.notices, *scheduler.notices,
    ]  # fmt: skip
    report.notices = list(dict.fromkeys(notices))
    return report


def _describe_backend(cluster: Cluster, style: StyleFiles) -> WorkerBackend:
    """Have one worker load the style, and return a description of its backend.

    Raises:
        ClusterError: no worker could load it, or the nodes have another version of this program.
    """
    task = describe.options(name=f"style {style.name}", **cluster.resources).remote(style)
    try:
        backend: WorkerBackend = ray.get(task)
    except ray.exceptions.RayError as error:
        raise cause_of(error) or ClusterError(f"No worker could load {style.name}: {error}") from error
    if backend.version != __version__:
        raise ClusterError(
            f"The nodes have cartoonize {backend.version}, and this is {__version__}; install the same one."
        )
    return backend
