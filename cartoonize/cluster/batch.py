"""Many videos on a cluster, as a manifest lists them."""

import csv
import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

from ..backends.registry import backend_of_style
from ..core.choices import MAX_SECONDS
from ..core.errors import CartoonizeError, MediaError, ModelError, UnexpectedError
from ..media import check_sink, parse_location
from ..run.plan import comparison_key
from ..run.report import FilesReport, Report, failed, skipped
from ..styles import find_style
from .connection import Cluster
from .jobs import OnProgress, convert_job
from .video_job import VideoJob

REQUIRED, OPTIONAL = ("source", "target"), ("style", "start", "end", "codec", "crf", "preset")
AT_ONCE = 8
"""Videos that are joined at the same time, at most: each keeps files open and takes time of the driver."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a manifest: its number, and the job."""

    number: int
    job: VideoJob


def read_manifest(lines: Iterable[str], name: str, defaults: VideoJob) -> list[Line]:
    """Read the jobs of a table in CSV.

    The columns `source` and `target` are required; those of OPTIONAL may follow. An empty cell takes the
    value of `defaults`.

    Raises:
        MediaError: with the number of the line that is wrong.
        ModelError: the same, for a style.
    """
    table = csv.DictReader(lines, restkey="", strict=True)
    try:
        _check_columns(table.fieldnames or (), name)
        jobs = [Line(table.line_num, _job(row, defaults, f"{name}, line {table.line_num}")) for row in table]
    except csv.Error as error:
        raise MediaError(f"{name}, line {table.line_num + 1}: {error}.") from error
    if not jobs:
        raise MediaError(f"{name} lists no video.")
    _check_targets(jobs, name)
    _check_styles(jobs, name)
    _check_encodings(jobs, name)
    return jobs


def convert_batch(
    cluster: Cluster,
    lines: list[Line],
    report: FilesReport,
    on_progress: OnProgress,
    *,
    overwrite: bool,
    on_report: Callable[[Report], None] = lambda _: None,
) -> FilesReport:
    """Convert all videos; fill in the report and return it. A video that fails does not stop the others.

    A target that exists is skipped unless `overwrite` is true, so that the same call resumes a batch. The
    report of each other video is given to `on_report` when it ends. In `report.files` the videos come in the
    order of their lines; the error of one begins with its line.
    """
    started, stop = time.perf_counter(), Event()
    reports: dict[int, Report] = {}
    if not overwrite:
        existing = (line for line in lines if line.job.target.exists())
        reports = {
            line.number: skipped(line.job.source, line.job.target, line.job.style) for line in existing
        }
    pending = [line for line in lines if line.number not in reports]
    with ThreadPoolExecutor(max(1, min(AT_ONCE, cluster.slots() + 1)), "video") as pool:
        tasks = {pool.submit(convert_job, cluster, line.job, on_progress, stop): line for line in pending}
        try:
            for task in _as_completed(tasks):
                line = tasks[task]
                reports[line.number] = _report(line, task)
                on_report(reports[line.number])
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    report.files = [reports[number] for number in sorted(reports)]
    report.summarize(time.perf_counter() - started)
    return report


def _as_completed(tasks: "Iterable[Future[Report]]") -> "Iterator[Future[Report]]":
    """As concurrent.futures.as_completed, but a signal can interrupt the wait."""
    pending = set(tasks)
    while pending:
        done, pending = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED)
        yield from done


def _report(line: Line, task: "Future[Report]") -> Report:
    job = line.job
    try:
        report = task.result()
    except CartoonizeError as error:
        report = failed(job.source, job.target, job.style, error)
    except Exception as error:  # noqa: BLE001  # a defect must not cost the other videos
        report = failed(job.source, job.target, job.style, UnexpectedError.from_exception(error))
    if report.error:
        report.error = f"line {line.number}: {report.error}"
    return report


def _check_columns(names: Iterable[str], manifest: str) -> None:
    columns = list(names)
    missing = [name for name in REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*REQUIRED, *OPTIONAL)]
    known = f"the columns are {' and '.join(REQUIRED)}, and optionally {', '.join(OPTIONAL)}"
    if missing:
        raise MediaError(f"{manifest}, line 1: there is no column {missing[0]!r}; {known}.")
    if unknown:
        raise MediaError(f"{manifest}, line 1: {unknown[0]!r} is not a column; {known}.")


def _check_targets(lines: list[Line], name: str) -> None:
    """Refuse lines that would lose a file: two names of one target, or a target that is a source."""
    sources = {comparison_key(line.job.source): line.number for line in lines}
    targets: dict[str, int] = {}
    for line in lines:
        key = comparison_key(line.job.target)
        earlier = targets.setdefault(key, line.number)
        if earlier != line.number:
            raise MediaError(
                f"{name}, line {line.number}: {line.job.target} is the target of line {earlier} already."
            )
        if key in sources:
            raise MediaError(
                f"{name}, line {line.number}: {line.job.target} is the source of line {sources[key]}; name "
                "another target."
            )


def _check_styles(lines: list[Line], name: str) -> None:
    checked: set[str] = set()
    for line in lines:
        style = line.job.style
        if style not in checked and backend_of_style(style) is None:
            try:
                find_style(style)
            except ModelError as error:
                raise ModelError(f"{name}, line {line.number}: {error}") from error
        checked.add(style)


def _check_encodings(lines: list[Line], name: str) -> None:
    for line in lines:
        try:
            check_sink(line.job.target, line.job.encoding)
        except MediaError as error:
            raise MediaError(f"{name}, line {line.number}: {error}") from error


def _job(row: dict[str, Any], defaults: VideoJob, position: str) -> VideoJob:
    if "" in row:
        raise MediaError(f"{position}: there are more cells than columns.")
    cells = {column: cell.strip() for column, cell in row.items() if cell and cell.strip()}
    for column in REQUIRED:
        if column not in cells:
            raise MediaError(f"{position}: there is no {column}.")
    encoding = replace(
        defaults.encoding,
        codec=cells.get("codec", defaults.encoding.codec),
        crf=_number(cells.get("crf"), "crf", position, defaults.encoding.crf),
        preset=cells.get("preset", defaults.encoding.preset),
    )
    return replace(
        defaults,
        source=parse_location(Path(cells["source"])),
        target=parse_location(Path(cells["target"])),
        style=cells.get("style", defaults.style),
        start=_number(cells.get("start"), "start", position, defaults.start),
        end=_number(cells.get("end"), "end", position, defaults.end),
        encoding=encoding,
    )


def _number(text: str | None, column: str, position: str, default: float | None = None) -> float | None:
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) < MAX_SECONDS:
        raise MediaError(f"{position}: the {column} {text!r} is not a number below {MAX_SECONDS:g}.")
    return number
