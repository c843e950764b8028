"""Errors of the system and of missing libraries, as sentences for users."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.errors import TrainingError


@contextmanager
def disk_errors() -> Iterator[None]:
    """Convert errors of the operating system, in a `with` block, to a TrainingError that names the file."""
    try:
        yield
    except OSError as error:
        name = error.filename or "a file of the run"
        raise TrainingError(f"Cannot write {name}: {error.strerror or error}.") from error


@contextmanager
def missing_extra() -> Iterator[None]:
    """Convert a failed import, in a `with` block, to a TrainingError that says what to install.

    For the libraries of `cartoonize[train]`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is missing: run pip install 'cartoonize[train]'.") from error
