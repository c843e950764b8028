"""Jobs for a cluster: one video each, from opening its source to its report."""

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
from ..run.job import prepare_decoding, run, written_size
from ..run.report import Report
from ..styles import DEFAULT
from .connection import Cluster
from .video_job import ClusterReport, reason_not_to_divide, run_on_cluster

OnProgress: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Called with the name of a job and its number of frames, if known; returns a context manager for the time of
the job, whose value is called with the number of finished frames."""


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


def convert_job(
    cluster: Cluster, job: VideoJob, on_progress: OnProgress, stop: Event | None = None
) -> Report:
    """Convert a video on a cluster, or on this machine if it cannot be divided; a notice then says why.

    `stop` ends the work from another thread, as a signal would.

    Raises:
        CartoonizeError: as `stylize`; or as `run_on_cluster`.
    """
    notices: list[str] = []
    decoding = prepare_decoding(job.decoding, job.look, job.style, notices)
    output, source_name = str(parse_location(job.target)), str(parse_location(job.source))
    with open_video(job.source, start=job.start, end=job.end, decoding=decoding) as source:
        size = written_size(source, job.look)
        sink = open_sink(job.target, source, encoding=job.encoding, overwrite=job.overwrite, size=size)
        with on_progress(str(job.target), source.frames) as show_frames:
            on_frame = _until(stop, show_frames)
            if source.resumable is not None and sink.resumable is not None:
                report = ClusterReport(output, job.style, source_name, notices=notices)
                return run_on_cluster(
                    cluster, source.resumable, sink.resumable, report, look=job.look,
                    precision=job.precision, options=job.options, batch=job.batch, resume=job.resume,
                    tolerate_errors=job.tolerate_errors, on_frame=on_frame,
                )  # fmt: skip
            alone = Report(output, job.style, source_name, notices=notices)
            with load(job.style, device=job.device, precision=job.precision, options=job.options) as backend:
                run(source, sink, backend, alone, look=job.look, batch=job.batch, resume=job.resume,
                    tolerate_errors=job.tolerate_errors, on_frame=on_frame)  # fmt: skip
            reason = reason_not_to_divide(source, sink)
            alone.notices.append(f"{source.path} was converted on this machine alone: {reason}.")
            return alone


def _until(stop: Event | None, on_frame: Callable[[int], None]) -> Callable[[int], None]:
    """`on_frame`, which ends the job once `stop` is set."""

    def stopping(frames: int) -> None:
        if stop is not None and stop.is_set():
            raise Stopped(signal.SIGTERM)
        on_frame(frames)

    return stopping
