"""`--watch`: converts the files that appear in folders."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MediaError, Stopped
from .console import escape, print_message
from .convert import ConvertJob
from .options import FilesOptions
from .outcome_log import OutcomeLog
from .progress import file_progress

if TYPE_CHECKING:
    from ..run.file_jobs import Job
    from ..run.plan import FileKind


def watch(
    folders: Sequence[Path],
    target: Path,
    kind: "FileKind",
    convert: ConvertJob,
    options: FilesOptions,
    log: OutcomeLog,
) -> None:
    """Convert files that appear. With --overwrite also files that have changed since their conversion."""
    from ..run.file_jobs import run_jobs
    from ..run.plan import find_jobs
    from ..run.watch import watch_folder

    print_message(f"Watching {escape(', '.join(map(str, folders)))}; Ctrl-C ends it.")
    with closing(watch_folder(folders, lambda: find_jobs(folders, target, kind).jobs)) as arriving:
        try:
            jobs = select_jobs(arriving, log, overwrite=options.overwrite)
            for outcome in run_jobs(jobs, lambda job: convert(job, file_progress)):
                log.add(outcome)
        except Stopped as stopped:
            stopped.add_note(log.summary())
            raise
    log.end()


def check_watched(folders: Sequence[Path], target: Path, kind: "FileKind") -> None:
    """Refuse what cannot be watched, and a target that is no other folder.

    Raises:
        MediaError: as described.
    """
    from ..run.plan import is_output_folder

    for folder in folders:
        if not folder.is_dir():
            raise MediaError(f"--watch watches folders, and {folder} is not one; name a folder.")
        if target.is_dir() and target.samefile(folder):
            raise MediaError(f"{target} is the folder to watch; name another folder to write to.")
    if not is_output_folder(target, kind):
        raise MediaError(f"{target} is not a folder; name a folder for several {kind.name}s.")


def select_jobs(
    arriving: Iterable[tuple["Job", bool]], log: OutcomeLog, *, overwrite: bool
) -> Iterator["Job"]:
    """The jobs to run of those that arrive; the log takes the others.

    Args:
        arriving: jobs, each with whether it arrived before, with another content.
        log: takes the jobs whose output exists, and those whose output belongs to another source.
        overwrite: run jobs again whose source is newer than their output.
    """
    owners: dict[Path, Path] = {}
    for job, again in arriving:
        owner = owners.setdefault(job.target, job.source)
        if owner != job.source:
            error = MediaError(f"{owner} becomes {job.target} too; rename one of them.")
            log.fail(job.source, str(job.target), error)
        elif not job.target.exists() or (overwrite and (again or _is_newer(job))):
            yield job
        elif again:
            print_message(f"{escape(str(job.source))} has changed; --overwrite would convert it again.")
        else:
            log.skip(job)


def _is_newer(job: "Job") -> bool:
    """Whether a source has changed since it was converted."""
    try:
        return job.source.stat().st_mtime > job.target.stat().st_mtime
    except OSError:  # one of them was removed meanwhile
        return True
