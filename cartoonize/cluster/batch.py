"""Many films on a cluster, as a manifest lists them."""

import csv
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from ..core.errors import CartoonizeError, MediaError, UnexpectedError
from ..media import Location, parse_location
from ..run.job import Report, damage_sentence
from .connection import Cluster
from .jobs import VideoJob, Watch, draw_job

REQUIRED, OPTIONAL = ("source", "target"), ("style", "start", "end", "codec", "crf", "preset")
AT_ONCE = 8
"""Films that are put together at the same time, at most: each has files open, and its share of the driver."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a manifest, and what is to be done."""

    number: int
    job: VideoJob


@dataclass(slots=True)
class BatchReport:
    """What became of a batch: the `films` that were drawn; what `failed`, by line, with a sentence why; and
    the lines whose target was there already, which were `skipped`."""

    films: list[Report] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    skipped: list[int] = field(default_factory=list)
    seconds: float = 0.0


def read_manifest(lines: Iterable[str], name: str, usual: VideoJob) -> list[Line]:
    """The jobs of a table in CSV, each as `usual` but for what its line says.

    Columns are `source` and `target`; those of OPTIONAL may follow, and their cells may be empty.

    Raises:
        MediaError: with the number of the line that is wrong.
    """
    table = csv.DictReader(lines, restkey="", strict=True)
    try:
        _check_columns(table.fieldnames or (), name)
        jobs = [Line(table.line_num, _job(row, usual, f"{name}, line {table.line_num}")) for row in table]
    except csv.Error as error:
        raise MediaError(f"{name}, line {table.line_num + 1}: {error}.") from error
    if not jobs:
        raise MediaError(f"{name} lists no video.")
    _check_targets(jobs, name)
    return jobs


def draw_batch(cluster: Cluster, lines: list[Line], watch: Watch, *, overwrite: bool) -> BatchReport:
    """Draw all films; one that fails is reported, and the others are drawn.

    A target that exists is taken to be done, unless `overwrite` is true: a batch that was stopped is gone on
    from by the same call.
    """
    started, report, stop = time.perf_counter(), BatchReport(), Event()
    if not overwrite:
        report.skipped = [line.number for line in lines if line.job.target.exists()]
    left = [line for line in lines if line.number not in report.skipped]
    with ThreadPoolExecutor(max(1, min(AT_ONCE, cluster.slots() + 1)), "film") as pool:
        tasks = {pool.submit(draw_job, cluster, line.job, watch, stop): line.number for line in left}
        try:
            for task in _as_completed(tasks):
                _note(report, tasks[task], task)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _as_completed(tasks: "dict[Future[Report], int]") -> "Iterator[Future[Report]]":
    """As that of concurrent.futures, but a signal is heeded while it waits."""
    left = set(tasks)
    while left:
        done, left = wait(left, timeout=1.0, return_when=FIRST_COMPLETED)
        yield from done


def _note(report: BatchReport, number: int, task: "Future[Report]") -> None:
    try:
        drawn = task.result()
    except CartoonizeError as error:
        report.failed[number] = str(error)
        return
    except Exception as error:  # noqa: BLE001  # a defect must not cost the other films
        report.failed[number] = str(UnexpectedError.from_exception(error))
        return
    report.films.append(drawn)
    if drawn.partial:
        report.failed[number] = damage_sentence(drawn)


def _check_columns(names: Iterable[str], manifest: str) -> None:
    named = list(names)
    missing = [name for name in REQUIRED if name not in named]
    unknown = [name for name in named if name not in (*REQUIRED, *OPTIONAL)]
    known = f"the columns are {', '.join(REQUIRED)} and, if wanted, {', '.join(OPTIONAL)}"
    if missing:
        raise MediaError(f"{manifest}, line 1: there is no column {missing[0]!r}; {known}.")
    if unknown:
        raise MediaError(f"{manifest}, line 1: {unknown[0]!r} is no column; {known}.")


def _check_targets(lines: list[Line], name: str) -> None:
    seen: dict[Location, int] = {}
    for line in lines:
        earlier = seen.setdefault(line.job.target, line.number)
        if earlier != line.number:
            raise MediaError(
                f"{name}, line {line.number}: {line.job.target} is the target of line {earlier} already."
            )


def _job(row: dict[str, Any], usual: VideoJob, where: str) -> VideoJob:
    if "" in row:
        raise MediaError(f"{where}: there are more cells than columns.")
    told = {column: cell.strip() for column, cell in row.items() if cell and cell.strip()}
    for column in REQUIRED:
        if column not in told:
            raise MediaError(f"{where}: there is no {column}.")
    encoding = replace(
        usual.encoding,
        codec=told.get("codec", usual.encoding.codec),
        crf=_number(told.get("crf"), "crf", where, usual.encoding.crf),
        preset=told.get("preset", usual.encoding.preset),
    )
    return replace(
        usual,
        source=parse_location(Path(told["source"])),
        target=parse_location(Path(told["target"])),
        style=told.get("style", usual.style),
        start=_number(told.get("start"), "start", where, usual.start),
        end=_number(told.get("end"), "end", where, usual.end),
        encoding=encoding,
    )


def _number(text: str | None, column: str, where: str, usual: float | None = None) -> float | None:
    try:
        return usual if text is None else float(text)
    except ValueError as error:
        raise MediaError(f"{where}: the {column} {text!r} is no number.") from error
