"""Jobs for a cluster: one film each, from opening its source to its report."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import TypeAlias

from ..backends import RuntimeOptions, load
from ..core.choices import Precision
from ..core.errors import Stopped
from ..effects.look import Look
from ..media import (
    Decoding,
    Encoding,
    Location,
    open_sink,
    open_video,
    parse_location,
)
from ..run.job import Report, prepare_decoding, run, written_size
from ..styles import DEFAULT
from .connection import Cluster
from .video_job import ClusterReport, run_on, why_not

Watch: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Is told the name of what is drawn and its frames, if known; gives what to tell how many are done."""


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A video to draw, as `stylize` says it. `device` is where the driver draws what cannot be divided."""

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


def draw_job(cluster: Cluster, job: VideoJob, watch: Watch, stop: Event | None = None) -> Report:
    """Draw a video on a cluster; what cannot be divided is drawn here, and a notice says why.

    `stop` ends the work from another thread, as a signal would.

    Raises:
        CartoonizeError: as `stylize`; or as `run_on`.
    """
    notices: list[str] = []
    decoding = prepare_decoding(job.decoding, job.look, job.style, notices)
    with open_video(job.source, start=job.start, end=job.end, decoding=decoding) as source:
        size = written_size(source, job.look)
        sink = open_sink(job.target, source, encoding=job.encoding, overwrite=job.overwrite, size=size)
        with watch(str(job.target), source.frames) as told:
            on_frame = _heeding(stop, told)
            if source.resumable is not None and sink.resumable is not None:
                report = ClusterReport(str(parse_location(job.target)), job.style, notices=notices)
                return run_on(
                    cluster, source.resumable, sink.resumable, report,
                    precision=job.precision, options=job.options, batch=job.batch, look=job.look,
                    resume=job.resume, tolerate_errors=job.tolerate_errors, on_frame=on_frame,
                )  # fmt: skip
            plain = Report(str(parse_location(job.target)), job.style, notices=notices)
            with load(job.style, device=job.device, precision=job.precision, options=job.options) as backend:
                run(source, sink, backend, plain, look=job.look, batch=job.batch, resume=job.resume,
                    tolerate_errors=job.tolerate_errors, on_frame=on_frame)  # fmt: skip
            plain.notices.append(f"{source.path} was drawn on this machine alone: {why_not(source, sink)}.")
            return plain


def _heeding(stop: Event | None, told: Callable[[int], None]) -> Callable[[int], None]:
    def on_frame(frames: int) -> None:
        if stop is not None and stop.is_set():
            raise Stopped(signal.SIGTERM)
        told(frames)

    return on_frame
