"""The stabilizer: keeps the drawing still where the source is still, and moves it along where the source
moves.

Sensor noise and coding change a network's output by a level or two from frame to frame, which the eye sees as
a shimmer on walls; a line that the network barely detects comes and goes. The source shows what really
changes. So each drawing is blended with the previous result, moved as the source moved, as far as that
explains the source: a recursive filter with motion compensation (Dubois and Sabri, IEEE Transactions on
Communications 32:7, 1984)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.frames import Frame, Image
from ..core.opencv import load_opencv
from .effect import Effect

if TYPE_CHECKING:
    from .pytorch.stabilizer import TensorStabilizer

BLOCK = 8
"""Sides of the blocks that are compared, in pixels."""

# Mean change of a block of the source, in levels of 0..255. Up to STILL it is noise. From MOVING on, the
# block has moved or is new. Once the motion is compensated, a change up to MATCHED confirms it (motion
# blurs); from LOST on, the block is new.
STILL, MOVING = 2.0, 6.0
MATCHED, LOST = 6.0, 16.0
# Share of the previous result in blocks that move. Each interpolation costs sharpness, so it is not 1.
FOLLOW = 0.5
# Damp each change by UNSEEN levels while the result stays within NEAR of the network's output: one level is
# invisible in a pixel but shimmers over the frame, and int8 networks add their rounding to it. A higher
# FOLLOW would damp it as well, but leaves trails.
UNSEEN, NEAR = 1, 3
# Refresh static areas gradually: in each frame one of BANDS bands keeps only RENEW of its old output.
# Otherwise they would keep traces of objects that passed nearby forever.
BANDS, RENEW = 16, 0.2
# Share of the frame that motion has to explain. Below it is a cut: a few blocks match by chance.
CUT = 0.5

# Changes and motion are measured on the source at a quarter of its size. Half its size would cost 4 ms more.
SCALE = 4
# The source is averaged with the weights of its drawing, so a drawing that lags behind counts as a change.
AVERAGE = 1 - (1 - RENEW) / BANDS
SMALLEST = 16  # pixels of a side of the reduced source; optical flow needs as many
_NARROW, _LONG = 32, 80  # OpenCV's flow of pictures with a shorter side is unsafe from that width on
_AT_ONCE = 1 << 11  # blocks processed at once: they stay in the caches, and their memory is reused
_NEIGHBOURS = np.ones((3, 3), np.uint8)

Floats = NDArray[np.float32]
Blocks = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns of some blocks."""


class Stabilizer(Effect):
    """Blends each drawing of a video with the previous result, where the source allows it.

    Each block of the source is compared with its average since it last moved, so that slow changes add up
    until they count. Blocks next to a moving one count as moving, because a network sees its surroundings.
    Motion is estimated by DIS optical flow (Kroeger et al., ECCV 2016). A cut replaces everything.

    Raises:
        BackendError: OpenCV cannot be imported.
    """

    def __init__(self) -> None:
        self._cv2 = load_opencv()
        self._flow: Any = self._cv2.DISOpticalFlow_create(self._cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._average: Floats | None = None  # of the source, reduced, in levels
        self._result: Image | None = None  # the previous one
        self._band = 0  # the next one to refresh

    def in_pytorch(self) -> "TensorStabilizer":
        """See Effect."""
        from .pytorch.stabilizer import TensorStabilizer

        return TensorStabilizer()

    def restart(self) -> None:
        """Forget all earlier frames."""
        self._average = self._result = None
        self._band = 0

    def __call__(self, frame: Frame, drawing: Frame | None) -> Frame | None:
        """Return the drawing, stabilized; None for frames that the network skipped, which are ignored."""
        if drawing is None:
            return None
        return replace(drawing, image=self.stabilize(frame.image, drawing.image))

    def stabilize(self, source: Image, drawing: Image) -> Image:
        """Return the stabilized drawing; source, drawing and result are (H, W, 3) uint8."""
        height, width = source.shape[:2]
        source, drawing = self._pad(source), self._pad(drawing)
        reduced = self._reduce(source)
        if self._average is None or self._result is None or self._result.shape != drawing.shape:
            self._average, self._result = reduced, drawing.copy()
        else:
            keep, motion = self._compare(reduced, self._average)
            if keep.any():
                self._result = self._blend(drawing, self._result, keep, motion)
            else:
                self._result = drawing.copy()
        return self._result[:height, :width]

    def _compare(self, reduced: Floats, average: Floats) -> tuple[Floats, Floats | None]:
        """Update the average of the source, and compare it with the new frame.

        Returns the share of the previous result, 0 to 1, that each block keeps, (rows, columns), and the
        motion in pixels of the reduced source, (2, H, W); None if no block moves.
        """
        change = self._change(reduced, average)
        keep = _falling(change, STILL, MOVING)
        weight = AVERAGE * self._resize(keep, reduced.shape, self._cv2.INTER_NEAREST)
        self._average = self._cv2.blendLinear(average, reduced, weight, 1 - weight)
        keep[len(keep) * self._band // BANDS : len(keep) * (self._band + 1) // BANDS] *= RENEW
        self._band = (self._band + 1) % BANDS
        moving = change >= MOVING
        if not moving.any():
            return keep, None
        motion = self._motion(reduced, average)
        motion *= self._resize(moving.astype(np.float32), reduced.shape, self._cv2.INTER_NEAREST)
        y, x = np.indices(reduced.shape[:2], np.float32)
        moved = self._sample(average, x + motion[0], y + motion[1])
        explained = _falling(self._change(reduced, moved), MATCHED, LOST)
        if explained.mean() < CUT:
            return np.zeros_like(keep), None
        return np.maximum(keep, FOLLOW * explained), motion

    def _change(self, reduced: Floats, average: Floats) -> Floats:
        """The mean change of each block, or that of a neighbour if that is larger."""
        size = (reduced.shape[0] * SCALE // BLOCK, reduced.shape[1] * SCALE // BLOCK)
        difference = self._cv2.absdiff(reduced, average)
        blocks = self._resize(difference, size, self._cv2.INTER_AREA).mean(axis=2)
        largest: Floats = self._cv2.dilate(blocks, _NEIGHBOURS)
        return largest

    def _motion(self, reduced: Floats, average: Floats) -> Floats:
        """The offset of each pixel to its position in the average, (2, H, W): x, y."""
        if not has_motion_size(*reduced.shape[:2]):
            return np.zeros((2, *reduced.shape[:2]), np.float32)
        images = [self._cv2.convertScaleAbs(image) for image in (reduced, average)]
        grey = [self._cv2.cvtColor(image, self._cv2.COLOR_RGB2GRAY) for image in images]
        flow: Floats = self._flow.calc(*grey, None)
        return np.ascontiguousarray(flow.transpose(2, 0, 1))

    def _blend(self, drawing: Image, previous: Image, keep: Floats, motion: Floats | None) -> Image:
        """The previous result; all blocks that do not keep it entirely are blended with the drawing."""
        shares = self._resize(keep, drawing.shape, self._cv2.INTER_LINEAR)
        result = previous.copy()
        for blocks in _groups(self._cv2.dilate((keep < 1).astype(np.uint8), _NEIGHBOURS)):
            _as_blocks(result)[blocks] = self._blend_blocks(blocks, drawing, previous, shares, motion)
        return result

    def _blend_blocks(
        self, blocks: Blocks, drawing: Image, previous: Image, shares: Floats, motion: Floats | None
    ) -> Image:
        """Some blocks of the result; OpenCV gets their pixels as a picture with a block in each row."""
        before = _pixels(previous, blocks)
        if motion is not None:
            steps = np.stack([_as_blocks(axis, BLOCK // SCALE)[blocks] for axis in motion])
            moved = steps.any(axis=(0, 2, 3))
            if moved.any():
                before[moved] = self._sample(
                    previous, *_origins((blocks[0][moved], blocks[1][moved]), steps[:, moved])
                )
        share = _pixels(shares, blocks)
        after = _pixels(drawing, blocks)
        blended = self._cv2.blendLinear(before, after, share, 1 - share)
        return self._damp(before, blended, after).reshape(-1, BLOCK, BLOCK, 3)

    def _damp(self, before: Image, blended: Image, after: Image) -> Image:
        """The blend, moved UNSEEN levels towards `before`, as long as it stays within NEAR of `after`."""
        cv2, unseen, near = self._cv2, (UNSEEN,) * 4, (NEAR,) * 4
        lowest = cv2.min(blended, cv2.max(cv2.subtract(blended, unseen), cv2.subtract(after, near)))
        highest = cv2.max(blended, cv2.min(cv2.add(blended, unseen), cv2.add(after, near)))
        result: Image = cv2.min(cv2.max(before, lowest), highest)
        return result

    def _sample(self, image: NDArray[Any], x: Floats, y: Floats) -> NDArray[Any]:
        """Sample the image bilinearly at positions `x`, `y`; beyond its edges, the edge pixels repeat."""
        edge = self._cv2.BORDER_REPLICATE
        sampled: NDArray[Any] = self._cv2.remap(image, x, y, self._cv2.INTER_LINEAR, borderMode=edge)
        return sampled

    def _reduce(self, image: Image) -> Floats:
        half = self._resize(image, (image.shape[0] // 2, image.shape[1] // 2), self._cv2.INTER_AREA)
        # By a Gaussian: in a mean of 4 by 4 pixels a thin line could move by three and change nothing.
        quarter: Image = self._cv2.pyrDown(half)
        return quarter.astype(np.float32)

    def _resize(self, image: NDArray[Any], shape: tuple[int, ...], interpolation: int) -> NDArray[Any]:
        resized: NDArray[Any] = self._cv2.resize(image, (shape[1], shape[0]), interpolation=interpolation)
        return resized

    def _pad(self, image: Image) -> Image:
        """An image with sides that are multiples of BLOCK."""
        down, right = -image.shape[0] % BLOCK, -image.shape[1] % BLOCK
        if not down and not right:
            return image
        padded: Image = self._cv2.copyMakeBorder(image, 0, down, 0, right, self._cv2.BORDER_REPLICATE)
        return padded


def _falling(change: Floats, low: float, high: float) -> Floats:
    """1 up to `low`, 0 from `high` on, linear between."""
    share: Floats = np.clip((high - change) / (high - low), 0, 1)
    return share


def _groups(mask: NDArray[np.uint8]) -> Iterator[Blocks]:
    """The blocks where the mask is not 0, in groups of _AT_ONCE."""
    rows, columns = mask.nonzero()
    for start in range(0, len(rows), _AT_ONCE):
        group = slice(start, start + _AT_ONCE)
        yield rows[group], columns[group]


def _origins(blocks: Blocks, steps: Floats) -> tuple[Floats, Floats]:
    """The earlier x and y of all pixels of some blocks, (N, 64) each, by their motion (2, N, 2, 2)."""
    y, x = np.indices((BLOCK, BLOCK), np.float32)
    rows, columns = (BLOCK * index.astype(np.float32)[:, None, None] for index in blocks)
    dx, dy = SCALE * steps.repeat(SCALE, 2).repeat(SCALE, 3)
    shape = (len(rows), BLOCK * BLOCK)
    return (dx + x + columns).reshape(shape), (dy + y + rows).reshape(shape)


def _pixels(image: NDArray[Any], blocks: Blocks) -> NDArray[Any]:
    """The pixels of some blocks, (N, 64) or (N, 64, 3)."""
    return _as_blocks(image)[blocks].reshape(len(blocks[0]), BLOCK * BLOCK, *image.shape[2:])


def _as_blocks(image: NDArray[Any], side: int = BLOCK) -> NDArray[Any]:
    """A view of the image as blocks: (rows, columns, side, side), or (rows, columns, side, side, 3)."""
    height, width = image.shape[0] // side, image.shape[1] // side
    return image.reshape(height, side, width, side, *image.shape[2:]).swapaxes(1, 2)


def has_motion_size(height: int, width: int) -> bool:
    """Whether the optical flow can be computed at this size: not for small pictures and thin strips.

    OpenCV halves a picture as often as its width allows, until a narrow one has no pixels.
    """
    shorter = min(height, width)
    return shorter >= _NARROW or (shorter >= SMALLEST and width < _LONG)
