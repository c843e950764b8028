"""Work in several processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from ..core import cpus
from .errors import disk_errors, memory_errors

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int | None = None
) -> Iterator[Result]:
    """Apply `function`, which must be picklable, in `workers` processes (default: all cores), in order.

    For a single process it starts none: a new one would import PyTorch first, which takes two seconds.

    Raises:
        TrainingError: the disk cannot be written, or the memory is too small.
        SpaceError: it is full.
    """
    count = min(cpus.count_cores() if workers is None else workers, len(items))
    if count <= 1:
        with memory_errors(), disk_errors():
            yield from map(function, items)
        return
    # Forked children of a process that has used torch's threads can hang, so new processes are started.
    spawn = get_context("spawn")
    with memory_errors(), disk_errors(), ProcessPoolExecutor(count, spawn, _one_thread) as pool:
        yield from pool.map(function, items)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
