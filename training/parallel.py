"""One function over many files, on all cores."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from ..core import cpus
from ..core.errors import TrainingError

Result = TypeVar("Result")


def map_files(
    function: Callable[[Path], Result], paths: Sequence[Path], workers: int | None = None
) -> Iterator[Result]:
    """Results in the order of the paths; `function` is one that can be pickled.

    Raises:
        TrainingError: the disk is full, or cannot be written for another reason.
    """
    count = min(workers or cpus.count_cores(), len(paths))
    # Forked children of a process that has used torch's threads can hang: start fresh ones.
    with disk_errors(), ProcessPoolExecutor(count, get_context("spawn"), _one_thread) as pool:
        yield from pool.map(function, paths, chunksize=4)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the operating system says of files into a sentence."""
    try:
        yield
    except OSError as error:
        where = error.filename or "a file of the run"
        raise TrainingError(f"Cannot write {where}: {error.strerror or error}.") from error


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
