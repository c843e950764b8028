"""Shared by `video` and `image`: converting one file or many; watching.py converts those that appear."""

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.addresses import local_path
from ..core.errors import CartoonizeError, DamageError, MediaError, Stopped
from .console import print_json, print_notices, print_report
from .convert import ConvertJob
from .options import FilesOptions
from .outcome_log import OutcomeLog
from .progress import ProgressBars, file_progress
from .watching import check_watched, watch

if TYPE_CHECKING:
    from ..run.file_jobs import Job
    from ..run.plan import FileKind, JobPlan


def convert_files(
    paths: Sequence[str],
    kind: "FileKind",
    convert: ConvertJob,
    options: FilesOptions,
    *,
    style: str,
    load: Callable[[], object] = lambda: None,
    check: Callable[["Job"], None] = lambda _: None,
    is_one_job: bool = False,
) -> None:
    """Convert INPUT... into OUTPUT.

    Args:
        paths: INPUT... and, last, OUTPUT; one that ends in a slash is a folder.
        kind: the kind of the inputs.
        convert: converts one of them.
        options: how existing outputs are treated, and the format of the report.
        style: of the outputs, for the report.
        load: loads the network that `convert` uses, before the first of several files.
        check: raises a CartoonizeError if the output of a job cannot be written, before anything is loaded.
        is_one_job: INPUT and OUTPUT are one job, whatever they are.

    Raises:
        MediaError: the paths or options contradict each other, or files could not be converted.
    """
    from ..run.file_jobs import Job, create_folder
    from ..run.plan import JobPlan, is_single_job, plan_jobs

    if len(paths) < 2:
        command, example = ("image", "cartoon.png") if kind.name == "picture" else ("video", "cartoon.mp4")
        raise MediaError(
            "OUTPUT is missing: last, name the file or folder to write, as in "
            f"`cartoonize {command} {paths[0]} {example}`."
        )
    if options.skip_existing and options.overwrite:
        raise MediaError("--skip-existing keeps outputs that exist, --overwrite replaces them; choose one.")
    paths = [_without_scheme(path) for path in paths]
    *sources, target = map(Path, paths)
    log = OutcomeLog(str(target), style, as_json=options.as_json)
    if options.watch and is_one_job:
        raise MediaError("--fps makes one video of a folder, and --watch converts each file; choose one.")
    frames_job = Job(_one_source(sources), target) if is_one_job else None
    if options.watch:
        check_watched(sources, target, kind)
        load()
        watch(sources, target, kind, convert, options, log)
    elif not options.skip_existing and (frames_job or is_single_job(sources, target, kind)):
        job = frames_job or _plan_one(paths, kind)
        with create_folder(job.target) if job.target != target else nullcontext():
            _convert_one(job, convert, check, style, as_json=options.as_json)
    else:
        plan = JobPlan([frames_job]) if frames_job else plan_jobs(sources, target, kind)
        _convert_all(plan, convert, load, check, options, log)


def _without_scheme(text: str) -> str:
    """A path in place of an address on this machine, file:///tmp/in.png; a slash at its end stays."""
    path = Path(text)
    local = local_path(path)
    return text if local == path else f"{local}{'/' * text.endswith('/')}"


def _plan_one(paths: Sequence[str], kind: "FileKind") -> "Job":
    """The job of one INPUT and OUTPUT, which is a folder if it ends in a slash."""
    from ..run.plan import single_job

    source, target = map(Path, paths)
    names_folder = paths[-1].endswith(("/", os.sep))
    if names_folder and source.is_dir() and not target.is_dir():
        raise MediaError(_describe_frames(source, target))
    is_folder = names_folder or (kind.name == "picture" and not target.suffix)
    return single_job(source, target, kind, target_is_folder=is_folder)


def _one_source(sources: Sequence[Path]) -> Path:
    """The folder whose pictures are the frames of one video, by --fps."""
    from ..run.find_files import is_pattern, pattern_root

    [source, *more] = sources
    if more:
        raise MediaError(f"--fps is for one folder of pictures; {len(sources)} are named.")
    if is_pattern(source):
        raise MediaError(
            f"--fps is for a folder of pictures; name {pattern_root(source)} in place of {source}."
        )
    return source


def _describe_frames(folder: Path, target: Path) -> str:
    """What to write in place of a folder for the frames of one video."""
    return (
        f"There is no video in {folder}. Its pictures can be the frames of one: name that video, as "
        f"{target / folder.name}.mp4. To convert each picture: `cartoonize image {folder} {target}/`."
    )


def _convert_one(
    job: "Job", convert: ConvertJob, check: Callable[["Job"], None], style: str, *, as_json: bool
) -> None:
    from ..run.report import failed

    try:
        check(job)
        report = convert(job, file_progress)
    except CartoonizeError as error:
        if as_json:
            print_json(asdict(failed(job.source, job.target, style, error)))
        raise
    print_report(report, as_json=as_json)
    if report.partial:
        raise DamageError(report.error)


def _is_written(target: Path) -> bool:
    """Whether an output exists: a file, or a folder with frames."""
    from ..media import parse_location

    return any(target.iterdir()) if target.is_dir() else parse_location(target).exists()


def _convert_all(
    plan: "JobPlan",
    convert: ConvertJob,
    load: Callable[[], object],
    check: Callable[["Job"], None],
    options: FilesOptions,
    log: OutcomeLog,
) -> None:
    from ..run.file_jobs import run_jobs

    print_notices(plan.notices)
    for source, error in plan.refused:
        log.fail(source, "", error)
    jobs = [job for job in plan.jobs if _is_accepted(job, check, options, log)]
    if jobs:
        load()
    with ProgressBars([_size(job.source) for job in jobs]) as bars:
        try:
            for outcome in run_jobs(jobs, lambda job: convert(job, bars.file)):
                log.add(outcome)
                bars.next_file(converted=outcome.report is not None)
        except Stopped as stopped:
            advice = "" if options.overwrite else " --skip-existing continues with the rest."
            stopped.add_note(log.summary() + advice)
            raise
    log.end()


def _is_accepted(job: "Job", check: Callable[["Job"], None], options: FilesOptions, log: OutcomeLog) -> bool:
    """Whether the output of a job is to be written, and can be; otherwise the log takes the job."""
    try:
        if not options.overwrite and _is_written(job.target):  # which may ask the network
            if options.skip_existing:
                log.skip(job)
                return False
            raise MediaError(
                f"{job.target} exists already; --skip-existing keeps it, --overwrite (-y) replaces it."
            )
        check(job)
    except CartoonizeError as error:
        log.fail(job.source, str(job.target), error)
        return False
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # reported when its turn comes
        return 0
