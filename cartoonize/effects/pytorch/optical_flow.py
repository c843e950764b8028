"""Optical flow for GPUs: few operations, each on the whole picture.

Blocks are matched in a pyramid, which finds large motion, and the result is corrected once by the gradients
(Lucas and Kanade, IJCAI 1981), which finds fractions of a pixel.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS = 4
"""Levels of the pyramid, at most; each has half the size of the one below."""
SMALLEST = 16
"""Pixels of the shorter side of the top level, at least."""
SEARCH_RANGE = 4
"""Search range of blocks at the top level, in pixels to each side; one pixel at all other levels."""
WINDOW = 9
"""Side of the blocks, and of the windows of all means, in pixels."""
# Penalty on the squared distance of a position in pixels, in squared levels: noise alone causes no motion.
PREFERENCE = 8.0
_FLATTEST = 3.0  # squared gradient, in levels per pixel, below which the correction fades


def optical_flow(picture: Tensor, earlier: Tensor) -> Tensor:
    """Return the offset of each pixel of `picture` to its position in `earlier`, x and y: (2, H, W).

    Both are grey, (H, W) float32 in levels. Each level begins with the motion of the level above, without its
    outliers (Anandan, International Journal of Computer Vision 2:3, 1989). The mean over a window at the end
    makes the flow of a pan uniform.
    """
    pyramid = [torch.stack([picture, earlier])[:, None]]
    while len(pyramid) < LEVELS and min(pyramid[-1].shape[2:]) >= 2 * SMALLEST:
        pyramid.append(F.avg_pool2d(pyramid[-1], 2, ceil_mode=True, count_include_pad=False))
    flow, search_range = pyramid[-1].new_zeros(1, 2, *pyramid[-1].shape[2:]), SEARCH_RANGE
    for level in reversed(pyramid):
        if level is not pyramid[-1]:
            above = 2 * _median(flow)
            flow = F.interpolate(above, level.shape[2:], mode="bilinear", align_corners=False)
            search_range = 1
        flow = _match_blocks(level, flow, search_range)
    return _window_mean(_median(_correct(pyramid[0], flow)))[0]


def _match_blocks(pictures: Tensor, flow: Tensor, search_range: int) -> Tensor:
    """Move each pixel by up to `search_range` to the best match of its block, and by a fraction of a pixel.

    `pictures` are the new and the earlier one, (2, 1, H, W); `flow`, (1, 2, H, W), is where the search
    begins. The fraction is the minimum of a parabola through the best position and the two beside it.
    """
    side, shape = 2 * search_range + 1, pictures.shape[2:]
    moved = F.pad(_move(pictures[1:], flow), (search_range,) * 4, mode="replicate")
    candidates = F.unfold(moved, side).view(1, side * side, *shape)
    differences = _window_mean((candidates - pictures[:1]).square())
    steps = torch.arange(-search_range, search_range + 1.0, device=flow.device).square()
    distances = (steps + steps[:, None]).view(-1, 1, 1)
    best = torch.add(differences, distances, alpha=PREFERENCE).argmin(1, keepdim=True)
    offset = torch.cat([best % side, best // side], 1) - search_range
    strides = torch.arange(1, side + 1, side - 1, device=flow.device)[:, None, None]
    strides = strides * (offset.abs() < search_range)  # at the end of the search there is no position beyond
    least, before, after = (
        differences.gather(1, position) for position in (best, best - strides, best + strides)
    )
    curvature = (before + after - 2 * least).clamp(min=0) + PREFERENCE
    return flow + offset + ((before - after) / curvature).clamp(-1, 1) / 2


def _correct(pictures: Tensor, flow: Tensor) -> Tensor:
    """Move each pixel by up to one more, to where the gradients of its window explain the difference."""
    moved = _move(pictures[1:], flow)
    padded = F.pad(moved, (1,) * 4, mode="replicate")
    x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    difference = pictures[:1] - moved
    means = _window_mean(torch.cat([x * x, y * y, x * y, x * difference, y * difference], 1))
    xx, yy, xy, xt, yt = means.split_with_sizes([1] * 5, 1)
    xx, yy = xx + _FLATTEST, yy + _FLATTEST
    steps = torch.cat([yy * xt - xy * yt, xx * yt - xy * xt], 1) / (xx * yy - xy * xy)
    return flow + steps.clamp(-1, 1)


def _move(picture: Tensor, flow: Tensor) -> Tensor:
    """Sample the picture, (1, 1, H, W), at each pixel plus the flow; beyond the edges, those repeat."""
    height, width = picture.shape[2:]
    right, bottom = 1 - 1 / width, 1 - 1 / height  # the centres of the last pixels
    x = torch.linspace(-right, right, width, device=flow.device)
    y = torch.linspace(-bottom, bottom, height, device=flow.device)[:, None]
    # Clamped, because Metal has padding_mode="border" only from PyTorch 2.13 on.
    x = torch.add(x, flow[0, 0], alpha=2 / width).clamp(-right, right)
    y = torch.add(y, flow[0, 1], alpha=2 / height).clamp(-bottom, bottom)
    return F.grid_sample(picture, torch.stack([x, y], -1)[None], align_corners=False)


def _window_mean(x: Tensor) -> Tensor:
    """The mean of the window around each pixel, as far as it lies inside."""
    return F.avg_pool2d(x, WINDOW, 1, WINDOW // 2, count_include_pad=False)


def _median(flow: Tensor) -> Tensor:
    """The median of 3 by 3 pixels, of x and y separately; (1, 2, H, W)."""
    _, channels, height, width = flow.shape
    padded = F.pad(flow.transpose(0, 1), (1,) * 4, mode="replicate")
    return F.unfold(padded, 3).view(channels, 9, height, width).median(1).values[None]
