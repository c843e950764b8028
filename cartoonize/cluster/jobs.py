"""Converts a video, from opening its source to its report: on a cluster, or here if it cannot be divided."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event
from typing import TypeAlias

from ..backends import load
from ..core.errors import Stopped
from ..media import open_sink, open_video, parse_location
from ..run.job import prepare_decoding, run, written_size
from ..run.report import Report
from .connection import Cluster
from .video_job import ClusterReport, VideoJob, reason_not_to_divide, run_on_cluster

OnProgress: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Called with the name of a job and its number of frames, if known; returns a context manager for the time of
the job, whose value is called with the number of finished frames."""


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
                return run_on_cluster(cluster, job, source.resumable, sink.resumable, report, on_frame)
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
