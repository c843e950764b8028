"""Losses against a target picture, which `cartoonize train targets` made of the same photo."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..filters import gaussian_blur
from .filters import horizontal_differences, to_yuv, vertical_differences
from .pixels import total_variation


def gradient_distance(output: Tensor, target: Tensor) -> Tensor:
    """||dx(y) - dx(t)||_1 + ||dy(y) - dy(t)||_1: lines of the right sharpness (Mathieu et al., ICLR 2016)."""
    return total_variation(output - target)


def excess_variation(output: Tensor, target: Tensor, level: float = 4 / 255) -> Tensor:
    """Variation of the output beyond that of the target, where the target is nearly flat.

    |d(y)| - |d(t)|, where that is positive and |d(t)| < `level`, horizontally and vertically. The means are
    over all pixels. `level` is 2 of 255 levels; below it, a surface looks flat. Only the excess counts: a
    loss of all variation would remove the gradients of mist, which are far below that level.
    """
    directions = (horizontal_differences, vertical_differences)
    steps = ((d(output).abs(), d(target).abs()) for d in directions)
    excess = ((y - t).clamp(min=0) * (t.amax(1, keepdim=True) < level) for y, t in steps)
    return torch.stack([direction.mean() for direction in excess]).sum()


def relative_band_distance(output: Tensor, target: Tensor, floor: float = 0.04) -> Tensor:
    """Distance to the target in large structures, relative to their contrast.

    |band(y) - band(t)| / (|band(t)| + `floor`), where the band lies between Gaussians of 4 and 16 pixels, as
    in the figure of faint structures (evaluation/figures.py). In the L1 distance a mountain in mist counts a
    tenth of a contour; relative to its contrast it counts as much. Bands below `floor`, 5 levels, count less.
    """
    small = [F.avg_pool2d(x, 4) for x in (output, target)]
    band, target_band = (gaussian_blur(x, 1.0) - gaussian_blur(x, 4.0) for x in small)
    return ((band - target_band).abs() / (target_band.abs() + floor)).mean()


def missing_lines(output: Tensor, target: Tensor, sigma: float = 3.0) -> Tensor:
    """Measure how much lighter the output is where the target has a line, weighted by that line's darkness.

    A line is what is darker than its surround, a Gaussian of `sigma` pixels. A distance to the target is
    minimal at the median of all plausible pictures, which has no line where one is less likely than not.
    This loss is minimal if every likely line is drawn. Each channel counts alone: of luma, green is the most
    part, so a network would darken lines in green only, and draw purple ink.
    """
    lightness = to_yuv(target)[:, :1]
    line = (gaussian_blur(lightness, sigma) - lightness).clamp(min=0)
    return ((output - target).clamp(min=0) * line).mean()


def missing_sharpness(output: Tensor, target: Tensor, radius: int = 1) -> Tensor:
    """Measure how much less steep the output is than the target: the steepest step within `radius` pixels.

    The position of an edge may differ by `radius`. So if a network is unsure of a position, one sharp edge
    scores better than the mean of all positions, which minimises a distance to the target. Each channel
    counts alone, as in `missing_lines`.
    """
    missing = (
        (difference(target).abs() - F.max_pool2d(difference(output).abs(), 2 * radius + 1, 1, radius)).clamp(
            min=0
        )
        for difference in (horizontal_differences, vertical_differences)
    )
    return torch.stack([direction.mean() for direction in missing]).sum()
