"""A batch spread over threads, each of which draws its part from start to end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np

from ..frames import Images

MOST = 8  # pictures at once on a CPU: each has its own activations

Draw = Callable[[Images, int], Images]
"""Draws pictures with so many threads."""


class Lanes:
    """On a CPU a lane for each picture, with a share of the cores; a picture alone gets all of them.

    Threads that share one picture would wait for each other after every layer, spinning on cores that the
    decoder and the encoder could use.
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
        """`shared` gives each lane its share of the batch in one call; each thread begins with `opened`."""
        self.count, self.cores, self.shared = count, cores, shared
        self._draw = draw
        self._pool = ThreadPoolExecutor(count, "lane", opened)  # no thread until it is used

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same."""
        if min(len(images), self.count) == 1:
            return self._draw(images, self.cores)
        size = -(-len(images) // self.count) if self.shared else 1
        parts = [images[start : start + size] for start in range(0, len(images), size)]
        share = max(1, self.cores // self.count)
        return np.concatenate(list(self._pool.map(self._draw, parts, repeat(share))))
