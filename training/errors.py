"""Errors of the system and of missing libraries, as sentences for users."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.errors import NO_SPACE, SpaceError, TrainingError


@contextmanager
def disk_errors(path: object = "a file of the run") -> Iterator[None]:
    """Convert errors of the operating system, in a `with` block, to a TrainingError that names the file, or
    to a SpaceError if the disk is full.

    Args:
        path: the file that is written, for errors that name none: those of a full disk.
    """
    try:
        yield
    except OSError as error:
        kind = SpaceError if error.errno in NO_SPACE else TrainingError
        is_no_folder = isinstance(error, FileExistsError)  # of `mkdir`, which accepts an existing folder
        fault = "it exists and is not a folder; name another one" if is_no_folder else error.strerror or error
        raise kind(f"Cannot write {error.filename or path}: {fault}.") from error


@contextmanager
def missing_extra() -> Iterator[None]:
    """Convert a failed import, in a `with` block, to a TrainingError that says what to install.

    For the libraries of `cartoonize[train]`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is missing: run pip install 'cartoonize[train]'.") from error
