"""The states of uploads and jobs, as the page and programs read them in JSON."""

import math

import msgspec

from ..version import __version__
from .examples import EXAMPLES
from .jobs import JobQueue
from .limits import SUFFIXES, Kind, Limits
from .settings import ConversionSettings, StyleChoice, list_styles
from .web_job import State, Upload, WebJob


class FileState(msgspec.Struct, frozen=True):
    """An upload."""

    id: str
    name: str
    kind: Kind


class ResultState(msgspec.Struct, frozen=True):
    """A result: its name for a download, its kind, its size in bytes, and the seconds that it took."""

    name: str
    kind: Kind
    bytes: int
    seconds: float
    notices: list[str]


class JobState(msgspec.Struct, frozen=True):
    """A job. `before` conversions come first; `progress` is from 0 to 1, and null if it is unknown."""

    id: str
    file: str
    name: str
    state: State
    before: int
    progress: float | None
    seconds_left: float | None
    error: str
    settings: ConversionSettings
    result: ResultState | None


class VisitorState(msgspec.Struct, frozen=True):
    """All that a visitor has here."""

    files: list[FileState]
    jobs: list[JobState]


class LimitState(msgspec.Struct, frozen=True):
    """The limits of a file; null is no limit."""

    upload: int
    seconds: float | None
    frames: float | None
    pixels: int


class ExampleState(msgspec.Struct, frozen=True):
    """A photo to try the page with."""

    name: str
    title: str
    credit: str


class ServerInfo(msgspec.Struct, frozen=True):
    """Constant information about the server. `suffixes` are those of the files that it reads."""

    version: str
    styles: list[StyleChoice]
    suffixes: list[str]
    limits: LimitState
    examples: list[ExampleState]


def describe_upload(upload: Upload) -> FileState:
    """The state of an upload."""
    return FileState(upload.id, upload.path.name, upload.kind)


def describe_job(job: WebJob, queue: JobQueue) -> JobState:
    """The state of a job."""
    progress = min(1.0, job.done / job.total) if job.total and job.total > 1 else None
    return JobState(
        job.id, job.upload.id, job.upload.path.name, job.state, queue.count_before(job), progress,
        job.seconds_left, job.error, job.settings, _describe_result(job),
    )  # fmt: skip


def describe_visitor(visitor: str, queue: JobQueue) -> VisitorState:
    """The state of everything that a visitor has."""
    return VisitorState(
        [describe_upload(upload) for upload in queue.uploads_of(visitor)],
        [describe_job(job, queue) for job in queue.jobs_of(visitor)],
    )


def describe_server(limits: Limits) -> ServerInfo:
    """Styles, suffixes, limits and examples."""
    return ServerInfo(
        __version__,
        list_styles(),
        sorted(SUFFIXES),
        LimitState(limits.upload, _finite(limits.seconds), _finite(limits.frames), limits.pixels),
        [ExampleState(name, example.title, example.credit) for name, example in EXAMPLES.items()],
    )


def _describe_result(job: WebJob) -> ResultState | None:
    if job.result is None:
        return None
    kind: Kind = "video" if job.result.is_video else job.upload.kind
    try:
        size = job.result.after.stat().st_size
    except OSError:  # it was removed at this moment
        return None
    return ResultState(job.result.after.name, kind, size, round(job.seconds or 0, 2), job.result.notices)


def _finite(limit: float) -> float | None:
    return None if math.isinf(limit) else limit
