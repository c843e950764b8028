"""Where the source stands still, so does the drawing; where it moves, the drawing moves along.

Sensor noise and the coder's changes from frame to frame move a network's answer by a level or two, which the
eye takes for a shimmer on walls; and of a line that it hardly sees, a network draws now more, now less. The
source tells what really happens. So each drawing is blended with the previous result, moved as the source
moved, as far as that explains the source: a recursive filter with motion compensation (Dubois and Sabri, IEEE
Transactions on Communications 32:7, 1984).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import BackendError
from ..core.frames import Image
from ..core.opencv import load_opencv

BLOCK = 8  # sides of the squares that are compared, in pixels
# Mean changes of a block, in 0..255. What stands still changes by up to STILL, as by noise; from MOVING on it
# has moved, or is new: moved, if it is found again but for MATCHED, as motion blurs; from LOST on new.
STILL, MOVING = 2.0, 6.0
MATCHED, LOST = 6.0, 16.0
# The share of the previous result in what moves, which loses sharpness each time it is moved.
FOLLOW = 0.5
# So many levels less than the blend does each pixel change, as long as it stays within so many of the
# network's answer. Nobody sees one that does not, but all together they are a shimmer, to which networks in
# integers add their rounding. A FOLLOW that does as much against it leaves trails.
UNSEEN, NEAR = 1, 3
# What stands still is renewed by and by, or it would keep for ever what was drawn while something passed
# nearby: with each frame one of so many bands of the picture keeps but such a share.
BANDS, RENEW = 16, 0.2
# The share of the picture that has to be found again. After a cut some places are found by chance.
CUT = 0.5

# Changes and motion are looked for in a picture so many times smaller. Half the size would cost 4 ms more.
_SCALE = 4
# The source is remembered as its drawing is, on average: what the drawing lags behind counts as change.
_AVERAGE = 1 - (1 - RENEW) / BANDS
_LEAST = 16  # pixels of its sides, from which on there is motion to be found
_AT_ONCE = 1 << 11  # blocks: what they take stays in the caches, and the memory is used again for the next
_NEIGHBOURS = np.ones((3, 3), np.uint8)

Floats = NDArray[np.float32]
Where = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows and columns of blocks


def can_stabilize(runtime: str, notices: list[str]) -> bool:
    """Whether the drawings of a back end can be stabilized; if only OpenCV is missing, a notice says so."""
    if runtime == "null":  # which draws nothing
        return False
    try:
        load_opencv()
    except BackendError as error:
        notices.append(f"The drawings are not stabilized. {error}")
        return False
    return True


class Stabilizer:
    """Holds and moves the drawing of a video as its source does; takes its frames one by one, in order.

    Each block of the source is compared with what it was, on average, since it last moved, so that slow
    changes add up until they count. Blocks next to one that moves count as moving, as networks look around.
    Motion is found by DIS optical flow (Kroeger et al., ECCV 2016). A cut renews all.

    Raises:
        BackendError: OpenCV cannot be imported.
    """

    def __init__(self) -> None:
        self._cv2 = load_opencv()
        self._flow: Any = self._cv2.DISOpticalFlow_create(self._cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._known: Floats | None = None  # the source, small, as it has been
        self._drawn: Image | None = None  # the previous result
        self._band = 0  # the next to be renewed

    def begin_anew(self) -> None:
        """Forget what was drawn, as where a segment begins."""
        self._known = self._drawn = None
        self._band = 0

    def hold(self, source: Image, new: Image) -> Image:
        """The next frame's drawing, of which `new` is the network's; both (H, W, 3) uint8."""
        height, width = source.shape[:2]
        source, new = self._padded(source), self._padded(new)
        small = self._shrunk(source)
        if self._known is None or self._drawn is None or self._drawn.shape != new.shape:
            self._known, self._drawn = small, new.copy()
        else:
            keep, way = self._look(small, self._known)
            self._drawn = self._blend(new, self._drawn, keep, way) if keep.any() else new.copy()
        return self._drawn[:height, :width]

    def _look(self, small: Floats, known: Floats) -> tuple[Floats, Floats | None]:
        """The share of the previous result for each block to keep; the way to where it was, if any moved."""
        change = self._change(small, known)
        keep = _ramp(change, STILL, MOVING)
        remembered = _AVERAGE * self._resized(keep, small.shape, self._cv2.INTER_NEAREST)
        self._known = self._cv2.blendLinear(known, small, remembered, 1 - remembered)
        keep[len(keep) * self._band // BANDS : len(keep) * (self._band + 1) // BANDS] *= RENEW
        self._band = (self._band + 1) % BANDS
        moving = change >= MOVING
        if not moving.any():
            return keep, None
        way = self._motion(small, known)
        way *= self._resized(moving.astype(np.float32), small.shape, self._cv2.INTER_NEAREST)
        y, x = np.indices(small.shape[:2], np.float32)
        found = _ramp(self._change(small, self._read(known, x + way[0], y + way[1])), MATCHED, LOST)
        if found.mean() < CUT:
            return np.zeros_like(keep), None
        return np.maximum(keep, FOLLOW * found), way

    def _change(self, small: Floats, known: Floats) -> Floats:
        """The mean change of each block, or that of a neighbour if that is more."""
        size = (small.shape[0] * _SCALE // BLOCK, small.shape[1] * _SCALE // BLOCK)
        blocks = self._resized(self._cv2.absdiff(small, known), size, self._cv2.INTER_AREA).mean(axis=2)
        most: Floats = self._cv2.dilate(blocks, _NEIGHBOURS)
        return most

    def _motion(self, small: Floats, known: Floats) -> Floats:
        """Where each pixel was, as (2, H, W) offsets x, y."""
        if min(small.shape[:2]) < _LEAST:
            return np.zeros((2, *small.shape[:2]), np.float32)
        pictures = [self._cv2.convertScaleAbs(picture) for picture in (small, known)]
        grey = [self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2GRAY) for picture in pictures]
        flow: Floats = self._flow.calc(*grey, None)
        return np.ascontiguousarray(flow.transpose(2, 0, 1))

    def _blend(self, new: Image, drawn: Image, keep: Floats, way: Floats | None) -> Image:
        """The result: the drawing as it was but for some blocks, which are blended by themselves."""
        shares = self._resized(keep, new.shape, self._cv2.INTER_LINEAR)
        result = drawn.copy()
        for where in _places(self._cv2.dilate((keep < 1).astype(np.uint8), _NEIGHBOURS)):
            _blocks(result)[where] = self._renewed(where, new, drawn, shares, way)
        return result

    def _renewed(self, where: Where, new: Image, drawn: Image, shares: Floats, way: Floats | None) -> Image:
        """Some blocks of the result; OpenCV gets their pixels as a picture with a block in each row."""
        before = _picked(drawn, where)
        if way is not None:
            steps = np.stack([_blocks(part, BLOCK // _SCALE)[where] for part in way])
            moved = steps.any(axis=(0, 2, 3))
            if moved.any():
                before[moved] = self._read(
                    drawn, *_origins((where[0][moved], where[1][moved]), steps[:, moved])
                )
        share = _picked(shares, where)
        after = _picked(new, where)
        blended = self._cv2.blendLinear(before, after, share, 1 - share)
        return self._less_shimmer(before, blended, after).reshape(-1, BLOCK, BLOCK, 3)

    def _less_shimmer(self, before: Image, blended: Image, after: Image) -> Image:
        """The blend, but UNSEEN levels nearer to what was before, while within NEAR of what comes after."""
        cv2, unseen, near = self._cv2, (UNSEEN,) * 4, (NEAR,) * 4
        least = cv2.min(blended, cv2.max(cv2.subtract(blended, unseen), cv2.subtract(after, near)))
        most = cv2.max(blended, cv2.min(cv2.add(blended, unseen), cv2.add(after, near)))
        result: Image = cv2.min(cv2.max(before, least), most)
        return result

    def _read(self, picture: NDArray[Any], x: Floats, y: Floats) -> NDArray[Any]:
        """The picture at other places, bilinearly; beyond its edges they go on."""
        edge = self._cv2.BORDER_REPLICATE
        read: NDArray[Any] = self._cv2.remap(picture, x, y, self._cv2.INTER_LINEAR, borderMode=edge)
        return read

    def _shrunk(self, picture: Image) -> Floats:
        half = self._resized(picture, (picture.shape[0] // 2, picture.shape[1] // 2), self._cv2.INTER_AREA)
        # Through a Gaussian: in a mean of 4 by 4 pixels a thin line could move by three and change nothing.
        quarter: Image = self._cv2.pyrDown(half)
        return quarter.astype(np.float32)

    def _resized(self, picture: NDArray[Any], shape: tuple[int, ...], how: int) -> NDArray[Any]:
        resized: NDArray[Any] = self._cv2.resize(picture, (shape[1], shape[0]), interpolation=how)
        return resized

    def _padded(self, image: Image) -> Image:
        """An image with sides that are multiples of BLOCK."""
        down, right = -image.shape[0] % BLOCK, -image.shape[1] % BLOCK
        if not down and not right:
            return image
        padded: Image = self._cv2.copyMakeBorder(image, 0, down, 0, right, self._cv2.BORDER_REPLICATE)
        return padded


def _ramp(change: Floats, low: float, high: float) -> Floats:
    """1 up to `low`, 0 from `high` on."""
    share: Floats = np.clip((high - change) / (high - low), 0, 1)
    return share


def _places(busy: NDArray[np.uint8]) -> Iterator[Where]:
    """Where the blocks are that are not 0, so many at once."""
    rows, columns = busy.nonzero()
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        yield rows[part], columns[part]


def _origins(where: Where, steps: Floats) -> tuple[Floats, Floats]:
    """The x and the y where all pixels of some blocks were, (N, 64) each, after steps (2, N, 2, 2)."""
    y, x = np.indices((BLOCK, BLOCK), np.float32)
    rows, columns = (BLOCK * index.astype(np.float32)[:, None, None] for index in where)
    dx, dy = _SCALE * steps.repeat(_SCALE, 2).repeat(_SCALE, 3)
    shape = (len(rows), BLOCK * BLOCK)
    return (dx + x + columns).reshape(shape), (dy + y + rows).reshape(shape)


def _picked(picture: NDArray[Any], where: Where) -> NDArray[Any]:
    """The pixels of some blocks, (N, 64) or (N, 64, 3)."""
    return _blocks(picture)[where].reshape(len(where[0]), BLOCK * BLOCK, *picture.shape[2:])


def _blocks(picture: NDArray[Any], side: int = BLOCK) -> NDArray[Any]:
    """A view: (rows, columns, side, side) of blocks."""
    height, width = picture.shape[0] // side, picture.shape[1] // side
    return picture.reshape(height, side, width, side, *picture.shape[2:]).swapaxes(1, 2)
