"""One film on a cluster: what is drawn where, and how it becomes one video."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import ray

from ..backends import RuntimeOptions
from ..core.choices import Precision
from ..core.errors import ClusterError
from ..effects.look import Look
from ..media import ResumableSink, ResumableSource, Sink, Source
from ..run.job import Report, set_apart
from ..run.segmented import identity, segment_length
from ..version import __version__
from .connection import Cluster
from .scheduler import Scheduler, told_by
from .worker import Ran, Style, Work, describe, put_style


@dataclass(slots=True)
class ClusterReport(Report):
    """What a job did on a cluster: `nodes` holds the frames that each drew, and the frames a second.

    `retries` counts the workers that died, or ran out of memory, and whose stretch was drawn again.
    """

    nodes: dict[str, dict[str, float]] = field(default_factory=dict)
    retries: int = 0


def why_not(source: Source, sink: Sink) -> str | None:
    """Why this job cannot be divided, as the end of a sentence; None if it can."""
    if source.resumable is None:
        return "pictures and standard input cannot be divided"
    if sink.resumable is None:
        return "what is written cannot be put together from segments"
    return None


def run_on(
    cluster: Cluster,
    source: ResumableSource,
    sink: ResumableSink,
    report: ClusterReport,
    *,
    precision: Precision = "auto",
    options: RuntimeOptions | None = None,
    batch: int | None = None,
    look: Look | None = None,
    resume: bool = True,
    tolerate_errors: bool = False,
    on_frame: Callable[[int], None] | None = None,
) -> ClusterReport:
    """As `job.run`, by the workers of a cluster; the result is the same.

    Raises:
        ClusterError: workers died over the same segment again and again.
        CartoonizeError: as `job.run`, by whichever worker.
    """
    started = time.perf_counter()
    style = put_style(report.style, cluster.device, precision, options)
    with sink:
        ran = _what_runs(cluster, style)
        batch = batch or ran.batch
        look = (look or Look()).available(ran.runtime, report.notices)
        report.stabilized = look.stabilize
        report.device, report.precision, report.backend = ran.device, ran.precision, ran.runtime
        report.width, report.height = source.video.width, source.video.height
        key = identity(source, sink.encoding, report.style, ran.what, look, batch)
        done = sink.resume(key, restart=not resume)
        work = Work(
            source.path, key["source"], source.start, source.end, source.decoding, sink.encoding,
            sink.container, style, batch, segment_length(batch), look,
        )  # fmt: skip
        film = Scheduler(cluster, source, sink, work, done, on_frame)
        report.resumed = film.frames
        film.draw()
        if source.damage:
            source.notices.append(source.damage.sentence(source.path.name))
        report.frames, report.retries = film.frames, film.retries
        if not tolerate_errors:
            set_apart(source, sink, report)
    report.took(time.perf_counter() - started)
    report.nodes = {
        node: {"frames": frames, "fps": round(frames / report.seconds, 2)}
        for node, frames in film.nodes.items()
    }
    report.notices = list(
        dict.fromkeys([*report.notices, *source.notices, *ran.notices, *sink.notices, *film.notices])
    )
    return report


def _what_runs(cluster: Cluster, style: Style) -> Ran:
    """Have one worker load the style, and say what it draws with."""
    task = describe.options(name=f"style {style.name}", **cluster.resources).remote(style)
    try:
        ran: Ran = ray.get(task)
    except ray.exceptions.RayError as error:
        raise told_by(error) or ClusterError(f"No worker could load {style.name}: {error}") from error
    if ran.version != __version__:
        raise ClusterError(f"The nodes have cartoonize {ran.version}, and this is {__version__}.")
    return ran
