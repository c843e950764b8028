"""Runs jobs, one after the other: an error ends its own job only."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import CartoonizeError, DamageError, MediaError, Stopped, UnexpectedError, WriteError
from ..media.remote import parse_location
from .report import Report


@dataclass(frozen=True, slots=True)
class Job:
    """A file to convert, and the file to write."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report of a job, or its error; both, if the source is damaged."""

    job: Job
    report: Report | None = None
    error: CartoonizeError | None = None


def run_jobs(jobs: Iterable[Job], convert: Callable[[Job], Report]) -> Iterator[Outcome]:
    """Run the jobs in order, and create the folders of their targets; an error ends only its own job."""
    for job in jobs:
        try:
            with create_folder(job.target):
                report = convert(job)
        except CartoonizeError as error:
            yield Outcome(job, error=error)
        except Stopped:  # some of its kinds are an Exception too
            raise
        except Exception as error:  # noqa: BLE001  # a defect must not cost the files after this one
            yield Outcome(job, error=UnexpectedError.from_exception(error))
        else:
            yield Outcome(job, report, DamageError(report.error) if report.partial else None)


@contextmanager
def create_folder(target: Path) -> Iterator[None]:
    """Create the folder of a target, and remove it at the end of the block if it is new and still empty.

    An object store has no folders to create.
    """
    path = parse_location(target)
    if not isinstance(path, Path):
        yield
        return
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise MediaError(f"{path.parent} is not a folder: name another place for {path.name}.") from error
    except OSError as error:
        raise WriteError.from_os_error(path, error) from error
    try:
        yield
    finally:
        with suppress(OSError):
            for folder in missing:
                folder.rmdir()  # fails, as it should, unless it is empty
