"""Filters on pictures, and on any planes: (C, H, W), or (N, C, H, W) where a docstring says so."""

import functools
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

DOT_SIZE = 9  # pixels: bright spots shorter than this in every direction are dots


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur (C, H, W) or (N, C, H, W) with a Gaussian cut at three sigma; the border is repeated."""
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.softmax(-offsets.square() / (2 * sigma * sigma), 0)
    channels = x.shape[-3]
    row = kernel[None, None, None, :].expand(channels, 1, 1, -1)
    padded = F.pad(x, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, row, groups=channels), row.mT, groups=channels)


def structure_tensor(picture: Tensor, sigma: float) -> Tensor:
    """Products xx, xy, yy of the gradient, (3, H, W), summed over the channels and smoothed by `sigma`."""
    sobel = picture.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    padded = F.pad(picture[:, None], (1, 1, 1, 1), mode="replicate")
    gx, gy = F.conv2d(padded, sobel[None, None])[:, 0], F.conv2d(padded, sobel.T[None, None])[:, 0]
    return gaussian_blur(torch.stack([(gx * gx).sum(0), (gx * gy).sum(0), (gy * gy).sum(0)]), sigma)


def kuwahara(picture: Tensor, sigma: float = 1.2, offset: float = 1.8, sectors: int = 8) -> Tensor:
    """Turn texture into blobs with edges: at each pixel the mean of those sectors around it that vary least.

    The generalised Kuwahara filter (Papari, Petkov, Campisi, IEEE TIP 2007): each sector is a Gaussian of
    `sigma` pixels, `offset` pixels away, and its weight is the inverse square of its variance.
    """
    mean = gaussian_blur(picture, sigma)
    variance = (gaussian_blur(picture.square(), sigma) - mean.square()).sum(0, keepdim=True)
    statistics, grid = torch.cat([mean, variance])[None], pixel_grid(picture)
    total, weights = torch.zeros_like(mean), torch.zeros_like(variance)
    for angle in (2 * math.pi * k / sectors for k in range(sectors)):
        shift = picture.new_tensor([math.cos(angle), math.sin(angle)])[:, None, None] * offset
        sector = sample_at(statistics, shift, grid)[0]
        weight = sector[3:].clamp(min=1e-5).square().reciprocal()
        total, weights = total + weight * sector[:3], weights + weight
    return total / weights


def bright_dots(luma: Tensor) -> Tensor:
    """The height of bright spots shorter than DOT_SIZE pixels in every direction, of planes (1, H, W).

    The difference from the largest of the morphological openings by lines in eight directions (Soille,
    Talbot, 2001), which remove stars and glints, and keep wires.
    """
    half = DOT_SIZE // 2
    padded = F.pad(luma[None], (2 * half,) * 4, mode="replicate")[0]
    largest = torch.full_like(padded, -math.inf)
    for angle in (math.pi * k / 8 for k in range(8)):
        shifts = [(round(t * math.sin(angle)), round(t * math.cos(angle))) for t in range(-half, half + 1)]
        eroded = functools.reduce(torch.minimum, (padded.roll(shift, (1, 2)) for shift in shifts))
        opened = functools.reduce(torch.maximum, (eroded.roll(shift, (1, 2)) for shift in shifts))
        largest = torch.maximum(largest, opened)
    return (padded - largest)[:, 2 * half : -2 * half, 2 * half : -2 * half]


def ramp(values: Tensor, start: float, end: float) -> Tensor:
    """Map values linearly to [0, 1]: 0 up to `start`, 1 from `end`."""
    return ((values - start) / (end - start)).clamp(0, 1)


def round_softly(values: Tensor, slope: float, step: float = 1.0, *, continuous: bool = False) -> Tensor:
    """Pull values, of any shape, to the middles between multiples of `step`.

    The soft quantisation of Winnemoeller, Olsen, Gooch (SIGGRAPH 2006): at each multiple, a tanh of steepness
    `slope` joins the tones on both sides, so that noise there changes a value a little and not by a whole
    step. If `continuous`, the tanh reaches the middles; otherwise a small jump remains there.
    """
    nearest = (values / step).round() * step
    curve = step / 2 * torch.tanh((values - nearest) * (slope / step))
    return nearest + (curve / math.tanh(slope / 2) if continuous else curve)


def interpolate(values: Sequence[float], position: Tensor) -> Tensor:
    """Values of equal bands of [0, 1] at `position`, of any shape: linear between the middles of bands."""
    table = position.new_tensor(values)
    index = (position * len(values) - 0.5).clamp(0, len(values) - 1)
    left = index.floor().clamp(max=max(0, len(values) - 2)).long()
    right = (left + 1).clamp(max=len(values) - 1)
    return torch.lerp(table[left], table[right], index - left)


def pixel_grid(picture: Tensor) -> Tensor:
    """Coordinates of a picture's (C, H, W) pixels as `grid_sample` expects them: (H, W, 2), x then y."""
    height, width = picture.shape[-2:]
    y = (2 * torch.arange(height, device=picture.device, dtype=picture.dtype) + 1) / height - 1
    x = (2 * torch.arange(width, device=picture.device, dtype=picture.dtype) + 1) / width - 1
    return torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)


def sample_at(planes: Tensor, offset: Tensor, grid: Tensor) -> Tensor:
    """Sample (1, C, H, W) bilinearly at every pixel plus `offset` (2, H, W; x then y, in pixels)."""
    scale = grid.new_tensor([2 / planes.shape[-1], 2 / planes.shape[-2]])
    places = grid + offset.permute(1, 2, 0) * scale
    return F.grid_sample(planes, places[None], mode="bilinear", padding_mode="border", align_corners=False)


def gauss(t: float, sigma: float) -> float:
    """The Gaussian function, 1 at 0."""
    return math.exp(-t * t / (2 * sigma * sigma))
