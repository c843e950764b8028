"""Errors of the system, of too little memory and of missing libraries, as sentences for users."""

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from ..core.errors import TrainingError, WriteError
from ..models.memory import is_out_of_memory

KILLED = "is killed by signal: Killed"  # PyTorch's words for a loading process that the system ended


@contextmanager
def disk_errors(path: object = "a file of the run") -> Iterator[None]:
    """Convert errors of the operating system, in a `with` block, to the WriteError that fits and names the
    file; to a TrainingError if a folder is needed and something else has its name.

    Args:
        path: the file that is written, for errors that name none: those of a full disk.
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:  # `mkdir` accepts an existing folder
        it = "it exists and" if isinstance(error, FileExistsError) else "a part of the path"
        raise TrainingError(
            f"Cannot write {error.filename or path}: {it} is not a folder; name another one."
        ) from error
    except OSError as error:
        raise WriteError.from_os_error(error.filename or path, error) from error


@contextmanager
def memory_errors() -> Iterator[None]:
    """Convert a lack of memory, of the CPU or a GPU, in a `with` block, to a TrainingError.

    A pool of processes says only that one of them ended. Systems do that to a process when memory is short.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _is_lack_of_memory(error):
            raise
        raise TrainingError(
            "There is too little memory: end other programs, or pass fewer --workers or another --device, "
            "where the command has them. In phases and presets, a smaller --batch or --size helps too."
        ) from error


def _is_lack_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, BrokenProcessPool) or is_out_of_memory(error) or KILLED in str(error)


@contextmanager
def missing_extra() -> Iterator[None]:
    """Convert a failed import, in a `with` block, to a TrainingError that says what to install.

    For the libraries of `cartoonize[train]`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(f'{error.name} is missing: run pip install "cartoonize[train]".') from error
