"""Sets the number of threads with which PyTorch computes, for the calling thread only.

`torch.set_num_threads` sets two numbers: that of the calling thread, and the initial one of all threads that
compute for the first time later, those of the caller's program among them. The second is restored here.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import torch

_lock = Lock()


def set_own_threads(count: int) -> None:
    """Have PyTorch compute with `count` threads in the calling thread."""
    # When a thread first asks for its number or computes, PyTorch replaces that number by the
    # initial one. Ask first: otherwise a thread with one core could draw with an OpenMP team of its own.
    if torch.get_num_threads() == count:
        return
    with _lock, ThreadPoolExecutor(1) as new_thread:
        initial = new_thread.submit(torch.get_num_threads).result()
        torch.set_num_threads(count)
        new_thread.submit(torch.set_num_threads, initial).result()


@contextmanager
def own_threads(count: int) -> Iterator[None]:
    """As `set_own_threads`, in a `with` block; after it the calling thread has the number that it had."""
    before = torch.get_num_threads()
    set_own_threads(count)
    try:
        yield
    finally:
        set_own_threads(before)
