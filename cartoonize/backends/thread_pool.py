"""Spreads a batch over threads: each thread draws one picture from start to end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from weakref import WeakMethod, finalize

import numpy as np

from ..core.frames import Images

MAX_THREADS = 8
"""Pictures at once, at most: each has its own activations."""

Draw = Callable[[Images, int], Images]
"""Draws pictures with a number of cores."""


class ThreadPool:
    """A thread for each picture, with a share of the cores; a picture alone gets all of them.

    Threads that share one picture would wait for each other after every layer, for cores that the decoder
    and the encoder use.

    The threads end at `close`, or when nothing refers to the pool any more.
    """

    def __init__(
        self,
        draw: Draw,
        *,
        count: int,
        cores: int,
        initializer: Callable[[], None] = lambda: None,
    ) -> None:
        """Start no thread yet.

        Args:
            draw: a method of the owner of the pool.
            count: number of threads.
            cores: all cores of the pool; each thread gets an equal share.
            initializer: is called first in each thread, which keeps it until its end: it must not refer to
                the owner.
        """
        self.count, self.cores = count, cores
        # A strong reference would be a cycle: the threads of an unclosed backend would outlive it.
        self._draw = WeakMethod(draw)
        self._executor = ThreadPoolExecutor(count, "draw", initializer)
        # `wait` is off, because a thread of the pool may drop the last reference
        finalize(self, self._executor.shutdown, wait=False)

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same."""
        draw = self._draw()
        assert draw is not None, "the owner of the pool is gone"
        if min(len(images), self.count) == 1:
            return draw(images, self.cores)
        parts = [images[number : number + 1] for number in range(len(images))]
        share = max(1, self.cores // self.count)
        return np.concatenate(list(self._executor.map(draw, parts, repeat(share))))

    def close(self) -> None:
        """End the threads, and the OpenMP teams that they own; wait for them."""
        self._executor.shutdown()
