"""Where the source stands still, so does the drawing.

Sensor noise and the coder's changes from frame to frame move a network's answer by a level or two, which the
eye takes for a shimmer on walls. The source tells where nothing happens: there the previous drawing is kept.
"""

import numpy as np
from numpy.typing import NDArray

from .frames import Image, Images

BLOCK = 8  # sides of the squares that are compared, in pixels
# Mean changes of a block, in 0..255: below STILL is noise, above MOVING is news, between is blended.
STILL, MOVING = 2.0, 6.0
STEPS = 64  # of the blend; int16 holds 255 times as much

Weights = NDArray[np.int16]


class Stabilizer:
    """Holds the drawing of a video where its source stands still; takes its frames one by one, in order.

    Each block of the source is compared with what it was when its drawing was last renewed, so that slow
    changes add up until they count: a drawing is never off by more than STILL explains. Next to blocks that
    move everything is renewed, as networks look around. A cut renews all.
    """

    def __init__(self) -> None:
        self._reference: Image | None = None  # the source as it was when each block was last renewed
        self._drawn: Image | None = None  # the previous result

    def begin_anew(self) -> None:
        """Forget what was drawn, as where a segment begins."""
        self._reference = self._drawn = None

    def hold(self, source: Image, new: Image) -> Image:
        """The next frame's drawing, of which `new` is the network's; both (H, W, 3) uint8."""
        height, width = source.shape[:2]
        source, result = _padded(source), _padded(new)
        if self._reference is None or self._drawn is None or self._drawn.shape != result.shape:
            self._reference, self._drawn = source.copy(), result
            return new
        weights = _news(source, self._reference)
        renewed, before = _blocks(result), _blocks(self._drawn)
        still, between = weights == 0, (weights > 0) & (weights < STEPS)
        renewed[still] = before[still]
        renewed[between] = _blend(before[between], renewed[between], weights[between])
        changed = weights == STEPS
        _blocks(self._reference)[changed] = _blocks(source)[changed]
        self._drawn = result
        return result[:height, :width]


def _news(source: Image, reference: Image) -> Weights:
    """How much of the new drawing each block gets, 0 to STEPS, by its change and that of its neighbours."""
    change = np.maximum(source, reference)
    change -= np.minimum(source, reference)  # |a - b| without leaving uint8
    height, width = change.shape[0] // BLOCK, change.shape[1] // BLOCK
    rows = np.add.reduce(change.reshape(height, BLOCK, -1), axis=1, dtype=np.uint16)
    sums = np.add.reduce(rows.reshape(height, width, -1), axis=2, dtype=np.uint32)
    around = np.pad(sums / (3.0 * BLOCK**2), 1, mode="edge")
    shifts = [around[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    share = (np.max(shifts, axis=0) - STILL) / (MOVING - STILL)
    weights: Weights = np.rint(STEPS * np.clip(share, 0, 1)).astype(np.int16)
    return weights


def _blend(before: Images, new: Images, weights: Weights) -> Images:
    """Blocks between two drawings; in 16 bits, which is twice as fast as float32."""
    start = before.astype(np.int16)
    step = (new - start) * weights[:, None, None]
    return (start + ((step + STEPS // 2) >> 6)).astype(np.uint8)


def _padded(image: Image) -> Image:
    """A copy with sides that are multiples of BLOCK."""
    height, width = image.shape[:2]
    if height % BLOCK == 0 and width % BLOCK == 0:
        return image.copy()
    return np.pad(image, ((0, -height % BLOCK), (0, -width % BLOCK), (0, 0)), mode="edge")


def _blocks(image: Image) -> NDArray[np.uint8]:
    """A view: (rows, columns, BLOCK, 3 BLOCK)."""
    height, width = image.shape[0] // BLOCK, image.shape[1] // BLOCK
    return image.reshape(height, BLOCK, width, 3 * BLOCK).transpose(0, 2, 1, 3)
