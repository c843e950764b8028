"""Finds borders between areas whose means differ, such as a wood and a meadow, however rough they are."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..filters import gaussian_blur

DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))  # across a border: rows, columns
SIGMA, DISTANCE = 2.5, 4.0  # of the Gaussians on both sides; from the border to their centres
ALONG = (-9, -6, -3, 0, 3, 6, 9)  # pixels along a border over which the sides are compared
GRAIN = 1e-4  # variance of noise, in squared units of [0, 1]
WEAK, CLEAR = 1.2, 3.0  # squared difference over variance: no border below WEAK, full strength from CLEAR
NEIGHBOURS = (2, 3, 4)  # distances across a border, within which only the strongest pixel is kept
MARGIN = 16  # reflected pixels around the picture, because shifts wrap around


def area_borders(picture: Tensor) -> Tensor:
    """Return the strength of area borders at each pixel of a picture (3, H, W): (H, W) in [0, 1].

    The means of Gaussians on both sides are compared, averaged along the border, in units of the variance
    within them, as in Fisher's linear discriminant. So a small step in a smooth sky is a border, and a leaf
    in a tree's crown is none, although its own edge is higher. Borders are three pixels wide: across them
    only the largest response is kept.
    """
    padded = F.pad(picture[None], (MARGIN,) * 4, mode="reflect")[0]
    mean = gaussian_blur(padded, SIGMA)
    variance = (gaussian_blur(padded.square(), SIGMA) - mean.square()).sum(0, keepdim=True).clamp(min=0)
    clearest = torch.zeros_like(variance)
    for direction in DIRECTIONS:
        contrast = _contrast_across(mean, variance, direction)
        clearness = ((contrast - WEAK) / (CLEAR - WEAK)).clamp(0, 1)
        clearest = torch.maximum(clearest, clearness * _is_highest(contrast, direction))
    return F.max_pool2d(clearest, 3, 1, 1)[0, MARGIN:-MARGIN, MARGIN:-MARGIN]


def _contrast_across(mean: Tensor, variance: Tensor, direction: tuple[int, int]) -> Tensor:
    """The squared difference of the sides over their variance, for borders across `direction`: (1, H, W)."""
    down, right = direction
    before, after = (_shift(mean, direction, pixels) for pixels in (-DISTANCE, DISTANCE))
    spread = _shift(variance, direction, -DISTANCE) + _shift(variance, direction, DISTANCE)
    difference, noise = torch.zeros_like(mean), torch.zeros_like(spread)
    for pixels in ALONG:
        difference += _shift(after - before, (-right, down), pixels)
        noise += _shift(spread, (-right, down), pixels)
    squared = (difference / len(ALONG)).square().sum(0, keepdim=True)
    return squared / (noise / len(ALONG) + GRAIN)


def _is_highest(contrast: Tensor, direction: tuple[int, int]) -> Tensor:
    """Where no neighbour across the border has more contrast: (1, H, W)."""
    highest = torch.ones_like(contrast, dtype=torch.bool)
    for pixels in NEIGHBOURS:
        highest &= contrast >= _shift(contrast, direction, pixels)
        highest &= contrast >= _shift(contrast, direction, -pixels)
    return highest


def _shift(planes: Tensor, direction: tuple[int, int], pixels: float) -> Tensor:
    """(C, H, W) moved by whole steps of `direction`, of about `pixels` pixels together."""
    steps = round(pixels / math.hypot(*direction))
    return planes.roll((direction[0] * steps, direction[1] * steps), (1, 2))
