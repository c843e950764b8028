"""The stabilizer in PyTorch; `effects/stabilizer.py` gives the reasons, the constants, and the same result.

Motion is estimated in another way (see optical_flow.py). Everything else is equal within one level.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..stabilizer import (
    AVERAGE,
    BANDS,
    BLOCK,
    CUT,
    FOLLOW,
    LOST,
    MATCHED,
    MOVING,
    NEAR,
    RENEW,
    SCALE,
    STILL,
    UNSEEN,
    has_motion_size,
)
from .effect import TensorEffect
from .optical_flow import optical_flow
from .sampling import sample

_EPSILON = 1e-5  # in the denominator of OpenCV's `blendLinear`


class State(NamedTuple):
    """The state after a frame: the average of the reduced source, and the last result.

    (H / 4, W / 4, 3) float32 and (H, W, 3) uint8; H and W are multiples of BLOCK.
    """

    average: Tensor
    result: Tensor


class TensorStabilizer(TensorEffect):
    """Blends each drawing of a video with the previous result, where the source allows it.

    Its state is that after the last frame, and the next band to refresh.
    """

    state: tuple[State, int] | None

    def __call__(self, sources: Tensor, drawings: Tensor) -> Tensor:
        """See TensorEffect."""
        height, width = drawings.shape[1:3]
        padded_sources, padded = _pad(sources), _pad(drawings)
        results = [
            self._next(reduced, drawing)
            for reduced, drawing in zip(reduce(padded_sources), padded, strict=True)
        ]
        return torch.stack(results)[:, :height, :width]

    def _next(self, reduced: Tensor, drawing: Tensor) -> Tensor:
        if self.state is None:
            self.state = State(reduced, drawing), 0
            return drawing
        (average, previous), band = self.state
        if previous.shape != drawing.shape:
            self.state = State(reduced, drawing), band
            return drawing
        before = State(average.to(reduced.device), previous.to(drawing.device))
        refresh = _refreshing(reduced.shape[0] * SCALE // BLOCK, band, drawing.device)
        after = stabilize(before, reduced, drawing, refresh)
        self.state = after, (band + 1) % BANDS
        return after.result


def stabilize(state: State, reduced: Tensor, drawing: Tensor, refresh: Tensor) -> State:
    """Return the state after one more frame; its `result` is the stabilized drawing.

    It depends on its arguments alone, so that `torch.compile` can turn it into a few kernels.

    Args:
        state: after the previous frame.
        reduced: the source, as `reduce` returns it: (H / 4, W / 4, 3) float32.
        drawing: (H, W, 3) uint8.
        refresh: the factor for what each row of blocks keeps: (H / 8, 1).
    """
    average, previous = state
    change = _block_change(reduced, average)
    keep = _falling(change, STILL, MOVING)
    weight = AVERAGE * _repeat(keep, BLOCK // SCALE)[..., None]
    new_average = torch.lerp(reduced, average, weight) / (1 + _EPSILON)
    keep = keep * refresh
    is_moving = change >= MOVING
    motion = estimate_motion(reduced, average) * _repeat(is_moving, BLOCK // SCALE)
    explained = _falling(_block_change(reduced, sample(average, motion)), MATCHED, LOST)
    is_cut = explained.mean() < CUT
    followed = torch.maximum(keep, FOLLOW * explained) * ~is_cut
    keep = torch.where(is_moving.any(), followed, keep)
    blended = _blend(drawing, sample(previous, SCALE * _repeat(motion, SCALE)), keep)
    return State(new_average, torch.where((keep > 0).any(), blended, drawing))


def reduce(sources: Tensor) -> Tensor:
    """Reduce pictures to a quarter of their size: (N, H, W, 3) uint8 -> (N, H / 4, W / 4, 3) float32.

    By means, and then by the Gaussian of OpenCV's `pyrDown`, which is four means of two pixels; both are
    rounded to levels.
    """
    half = _round_half_up(F.avg_pool2d(sources.permute(0, 3, 1, 2).float(), 2))
    blurred = F.pad(half, (2,) * 4, mode="reflect")
    for stride in (1, 1, 1, 2):
        blurred = F.avg_pool2d(blurred, 2, stride)
    return _round_half_up(blurred).permute(0, 2, 3, 1).contiguous()


def _blend(drawing: Tensor, before: Tensor, keep: Tensor) -> Tensor:
    """Blend a drawing with the earlier result, (H, W, 3) in levels, and damp invisible changes.

    The blend is moved UNSEEN levels towards `before`, as long as it stays within NEAR of the drawing.
    """
    before, after = before.round(), drawing.float()
    share = F.interpolate(keep[None, None], drawing.shape[:2], mode="bilinear", align_corners=False)
    share = share[0, 0, :, :, None]
    blended = (torch.lerp(after, before, share) / (1 + _EPSILON)).round()
    lowest = torch.minimum(blended, torch.maximum(blended - UNSEEN, after - NEAR))
    highest = torch.maximum(blended, torch.minimum(blended + UNSEEN, after + NEAR))
    return torch.minimum(torch.maximum(before, lowest), highest).to(torch.uint8)


def estimate_motion(reduced: Tensor, average: Tensor) -> Tensor:
    """The offset of each pixel to its position in the average, (2, H / 4, W / 4): x, y."""
    if not has_motion_size(*reduced.shape[:2]):
        return reduced.new_zeros(2, *reduced.shape[:2])
    return optical_flow(_grey(reduced), _grey(average))


def _grey(image: Tensor) -> Tensor:
    red, green, blue = image.unbind(-1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _block_change(reduced: Tensor, average: Tensor) -> Tensor:
    """The mean change of each block, or that of a neighbour if that is larger: (H / 8, W / 8)."""
    change = (reduced - average).abs().mean(-1)[None, None]
    return F.max_pool2d(F.avg_pool2d(change, BLOCK // SCALE), 3, 1, 1)[0, 0]


def _falling(change: Tensor, low: float, high: float) -> Tensor:
    """1 up to `low`, 0 from `high` on, linear between."""
    return ((high - change) / (high - low)).clamp(0, 1)


def _repeat(blocks: Tensor, times: int) -> Tensor:
    """Repeat each value of the last two dimensions `times` in each of them."""
    *others, height, width = blocks.shape
    repeated = blocks[..., :, None, :, None].expand(*others, height, times, width, times)
    return repeated.reshape(*others, height * times, width * times)


def _refreshing(rows: int, band: int, device: torch.device) -> Tensor:
    """RENEW for the rows of blocks in the band that is to be refreshed, 1 for all others: (rows, 1)."""
    factors = torch.ones(rows, 1, device=device)
    factors[rows * band // BANDS : rows * (band + 1) // BANDS] = RENEW
    return factors


def _pad(images: Tensor) -> Tensor:
    """Pictures with sides that are multiples of BLOCK: their last row and column are repeated."""
    for axis in (1, 2):
        length = images.shape[axis]
        if length % BLOCK:
            index = torch.arange(length + -length % BLOCK, device=images.device).clamp(max=length - 1)
            images = images.index_select(axis, index)
    return images


def _round_half_up(x: Tensor) -> Tensor:
    return (x + 0.5).floor()
