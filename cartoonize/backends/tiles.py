"""Pictures too large for the memory: worked on in overlapping tiles, joined without a seam."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..frames import Backend, Images

FEATHER = 32  # pixels over which one tile fades into the next
Floats = NDArray[np.float32]


def tiled(backend: Backend, *, limit: int, reach: int, stride: int) -> Backend:
    """The same back end, which never sees more than about `limit` pixels at once.

    Every tile has a margin of `reach`, beyond which its pixels know nothing of its border: with networks
    that look no further, the joined picture equals the whole one. Networks that use statistics of the
    picture (instance norm) differ from tile to tile; there the fade keeps the change invisible.
    """

    def run(images: Images) -> Images:
        count, height, width, _ = images.shape
        if height * width <= limit:
            if count * height * width <= limit:
                return backend(images)
            return np.concatenate([backend(image[None]) for image in images])
        margin = -(-reach // stride) * stride
        side = max(2 * (2 * margin + FEATHER), int(limit**0.5) // stride * stride)
        return np.stack([_join(backend, image[None], side, margin, stride) for image in images])

    return run


def _join(backend: Backend, image: Images, side: int, margin: int, stride: int) -> Images:
    _, height, width, _ = image.shape
    joined: Floats = np.zeros((height, width, 3), np.float32)
    for top, bottom, rows in _spans(height, side, margin, stride):
        for left, right, columns in _spans(width, side, margin, stride):
            tile = backend(np.ascontiguousarray(image[:, top:bottom, left:right]))[0]
            joined[top:bottom, left:right] += tile * (rows[:, None] * columns[None, :])[..., None]
    np.rint(joined, out=joined)  # in place: a 24-megapixel picture takes 288 MB here
    return np.clip(joined, 0, 255, out=joined).astype(np.uint8)


def _spans(length: int, side: int, margin: int, stride: int) -> Iterator[tuple[int, int, Floats]]:
    """Overlapping (start, end) along one axis, with weights that add up to one everywhere.

    Starts are multiples of the stride, so that every tile lies on the grid of the whole picture.
    """
    fade = FEATHER // stride * stride
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
            weights[-margin:] = 0
            weights[-margin - fade : -margin] = ramp[::-1]
        yield start, end, weights
        if end == length:
            return
        start += step
