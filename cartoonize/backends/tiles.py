"""Pictures too large for the memory: smaller batches first, then overlapping tiles, joined without seams."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..core.errors import BackendError
from ..core.frames import Backend, Images

FEATHER = 32  # pixels over which one tile fades into the next
CPU_BUDGET = 3 << 29  # bytes of activations on a CPU; larger pictures are drawn in tiles
Floats = NDArray[np.float32]


class OutOfMemory(BackendError):  # noqa: N818  # caught by TiledBackend; users see it only as the last resort
    """The device had too little memory for a call."""


class TiledBackend:
    """Wraps a backend so that it never gets more than about `limit` pixels per call.

    If a call raises OutOfMemory nevertheless, the limit is halved permanently and the call is repeated: no
    picture is lost. `notices` says so.

    Every tile has a margin of `reach`, beyond which its pixels do not depend on its border: for networks that
    look no further, the joined picture equals the whole one. Networks that use statistics of the picture
    (instance norm) differ from tile to tile; there the fade keeps the difference invisible.
    """

    def __init__(self, backend: Backend, *, limit: int, reach: int, stride: int) -> None:
        self.limit, self.notices = limit, list[str]()
        self._backend, self._stride = backend, stride
        self._in_tiles = partial(draw_in_tiles, backend, reach=reach, stride=stride)
        # Half of the side of a tile is margin then.
        self._smallest = 2 * (2 * _round_up(reach, stride) + FEATHER)

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same.

        Raises:
            BackendError: even the smallest tile is too large.
        """
        while True:
            try:
                return self._within_limit(images)
            except OutOfMemory as error:
                self._lower_limit(images, error)

    def _within_limit(self, images: Images) -> Images:
        count, height, width, _ = images.shape
        batch = self.limit // (height * width)
        if count <= batch:
            return self._backend(images)
        if batch:
            starts = range(0, count, batch)
            return np.concatenate([self._backend(images[i : i + batch]) for i in starts])
        side = max(self._smallest, int(self.limit**0.5) // self._stride * self._stride)
        if height <= side and width <= side:
            return np.concatenate([self._backend(image[None]) for image in images])
        return np.concatenate([self._in_tiles(image[None], (side, side)) for image in images])

    def _lower_limit(self, images: Images, error: OutOfMemory) -> None:
        count, height, width, _ = images.shape
        tried = min(self.limit, count * height * width)
        if tried <= min(self._smallest**2, height * width):
            raise BackendError(f"{error} There is nothing smaller to try.") from error
        self.limit = tried // 2
        batch = self.limit // (height * width)
        method = f"batches of {batch}" if batch else "tiles"
        self.notices.append(f"{error} It continued in {method}; no frame was lost.")


def draw_in_tiles(
    backend: Backend, image: Images, sides: tuple[int, int], *, reach: int, stride: int
) -> Images:
    """Draw one picture in tiles of at most these (height, width), which fade into each other.

    Args:
        backend: draws one tile.
        image: (1, H, W, 3) uint8.
        sides: of a tile.
        reach: how many pixels an output pixel looks to each side; the margin of a tile, but at most a quarter
            of it.
        stride: the positions of tiles are multiples of it.
    """
    _, height, width, _ = image.shape
    joined: Floats = np.zeros((height, width, 3), np.float32)
    for top, bottom, rows in _spans(height, sides[0], reach, stride):
        for left, right, columns in _spans(width, sides[1], reach, stride):
            tile = backend(np.ascontiguousarray(image[:, top:bottom, left:right]))[0]
            joined[top:bottom, left:right] += tile * (rows[:, None] * columns[None, :])[..., None]
    np.rint(joined, out=joined)  # in place: a 24-megapixel picture takes 288 MB here
    return np.clip(joined, 0, 255, out=joined).astype(np.uint8)[None]


def _round_up(length: int, stride: int) -> int:
    """Return the next multiple of the stride."""
    return -(-length // stride) * stride


def _spans(length: int, side: int, reach: int, stride: int) -> Iterator[tuple[int, int, Floats]]:
    """Yield overlapping (start, end) along one axis, with weights that add up to one everywhere.

    Starts are multiples of the stride, so that every tile lies on the grid of the whole picture.
    """
    stride = min(stride, side // 4)  # files can state one that leaves no room between two starts
    margin = min(_round_up(reach, stride), side // 4 // stride * stride)
    fade = max(1, min(FEATHER, side // 8) // stride) * stride
    overlap = 2 * margin + fade
    step = side - overlap
    start = 0
    while True:
        end = min(start + step + overlap, length)
        weights = np.ones(end - start, np.float32)
        ramp = (np.arange(fade, dtype=np.float32) + 0.5) / fade
        if start > 0:
            weights[:margin] = 0
            weights[margin : margin + fade] = ramp
        if end < length:
            inner = end - start - margin
            weights[inner:] = 0
            weights[inner - fade : inner] = ramp[::-1]
        yield start, end, weights
        if end == length:
            return
        start += step
