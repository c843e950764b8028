"""A batch spread over threads, each of which draws its part from start to end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from weakref import WeakMethod, finalize

import numpy as np

from ..core.frames import Images

MOST = 8  # pictures at once on a CPU: each has its own activations

Draw = Callable[[Images, int], Images]
"""Draws pictures with so many threads."""


class ThreadPool:
    """On a CPU a lane for each picture, with a share of the cores; a picture alone gets all of them.

    Threads that share one picture would wait for each other after every layer, for cores that the decoder
    and the encoder use.

    The threads end by `close`, or when nothing refers to the lanes any more.
    """

    def __init__(
        self,
        draw: Draw,
        *,
        count: int,
        cores: int,
        shared: bool = False,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        """`draw` is a method of the owner of the lanes; `shared` gives each lane its share in one call.

        Each thread begins with `opened`, and keeps it until its end: it must not refer to the owner.
        """
        self.count, self.cores, self.shared = count, cores, shared
        # A strong reference would be a circle: the threads of a forgotten back end would outlive it.
        self._draw = WeakMethod(draw)
        self._pool = ThreadPoolExecutor(count, "lane", opened)  # no thread until it is used
        finalize(self, self._pool.shutdown, wait=False)  # a thread may be what drops the last reference

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same."""
        draw = self._draw()
        assert draw is not None, "the owner of the lanes is gone"
        if min(len(images), self.count) == 1:
            return draw(images, self.cores)
        size = -(-len(images) // self.count) if self.shared else 1
        parts = [images[start : start + size] for start in range(0, len(images), size)]
        share = max(1, self.cores // self.count)
        return np.concatenate(list(self._pool.map(draw, parts, repeat(share))))

    def close(self) -> None:
        """End the threads, and the OpenMP teams that they own; wait for them."""
        self._pool.shutdown()
