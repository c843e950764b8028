"""Coherent lines: the flow-based difference of Gaussians of Kang, Lee, Chui (NPAR 2007), here of colours."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..filters import gauss, gaussian_blur, pixel_grid, sample_at, structure_tensor
from ..lab import luma, rgb_to_lab

TENSOR_SIGMA, FLOW_SIGMA = 2.5, 3.0  # Gaussians of the structure tensor, and along the flow
CHROMA = 0.015  # weight of Lab a and b against luma in [0, 1]
SIDE_SIGMA, SIDE_STEP = 4.0, 0.003  # Gaussian and step of luma that decide which side is darker
AREA_SIGMA, AREA_REACH = 2.5, 5.0  # Gaussian and distance of areas: their difference of chroma is the limit
# How much steeper a line gets where it continues ink; the Gaussian along the flow that says where it does.
LINK, LINK_SIGMA, LINK_STEP = 4.0, 8.0, 4.0


def flow_lines(
    picture: Tensor,
    threshold: float | Tensor = 0.0,
    sigma_c: float = 1.0,
    rho: float = 0.985,
    slope: float = 60.0,
) -> Tensor:
    """Coherent lines (1, H, W) of a picture (3, H, W): 1 is paper, 0 is ink.

    Across the local edge direction, a Gaussian of `sigma_c` minus `rho` times one of 1.6 `sigma_c`; along it,
    a Gaussian that follows the flow joins broken pieces and removes specks. The direction is the minor
    eigenvector of the smoothed structure tensor. A line must be darker than its surround by `threshold`, a
    number or (1, H, W): the outline of a tree's crown is, most leaves are not.

    A weak line that continues a strong one is drawn in ink too, as with the two thresholds of Canny (1986):
    `slope` grows with the mean of the ink along the flow. So outlines do not start and stop.

    The paper's Gaussians are of luma. Here, differences of chroma add to it: an orange wood before a blue
    mountain has an outline, although both are equally dark.
    """
    brightness, chroma = luma(picture), CHROMA * rgb_to_lab(picture)[1:]
    tangent = _edge_tangent(torch.cat([brightness, chroma]))
    grid = pixel_grid(picture)
    response = _difference_across(brightness, chroma, tangent, grid, sigma_c, rho)
    mean = _mean_along(response, tangent, grid, FLOW_SIGMA)
    contrast = (-mean - threshold).clamp(min=0)
    ink = torch.tanh(slope * contrast)
    linked = _mean_along(ink[None], tangent, grid, LINK_SIGMA, LINK_STEP)
    return 1 - torch.tanh(slope * (1 + LINK * linked) * contrast)


def _difference_across(
    brightness: Tensor, chroma: Tensor, tangent: Tensor, grid: Tensor, sigma_c: float, rho: float
) -> Tensor:
    """The difference of Gaussians of luma (1, H, W) and chroma (2, H, W) across the edges: (1, 1, H, W)."""
    normal = torch.stack([-tangent[1], tangent[0]])
    sigma_s = 1.6 * sigma_c
    radius = round(3 * sigma_s)
    total_c = sum(gauss(t, sigma_c) for t in range(-radius, radius + 1))
    total_s = sum(gauss(t, sigma_s) for t in range(-radius, radius + 1))
    side = _brighter_side(brightness, normal, grid)
    areas = gaussian_blur(chroma, AREA_SIGMA)[None]
    limit = _length(
        sample_at(areas, AREA_REACH * normal, grid) - sample_at(areas, -AREA_REACH * normal, grid)
    )
    planes = torch.cat([brightness, chroma])[None]
    response = (1 / total_c - rho / total_s) * planes[:, :1]
    for t in range(1, radius + 1):
        weight = gauss(t, sigma_c) / total_c - rho * gauss(t, sigma_s) / total_s
        ahead, behind = sample_at(planes, t * normal, grid), sample_at(planes, -t * normal, grid)
        # Chroma counts where it changes towards the brighter side more than towards the darker one, so that
        # the line lies on the darker side; and as far as the areas differ, so that letters are not covered.
        change = _length(ahead[:, 1:] - chroma) - _length(behind[:, 1:] - chroma)
        change = torch.minimum((side * change).clamp(min=0), limit)
        response = response + weight * (ahead[:, :1] + behind[:, :1] + change)
    return response


def _length(vectors: Tensor) -> Tensor:
    """The lengths of vectors (1, C, H, W): (1, 1, H, W)."""
    return vectors.square().sum(1, keepdim=True).sqrt()


def _brighter_side(brightness: Tensor, normal: Tensor, grid: Tensor) -> Tensor:
    """1 where the normal points to a clearly brighter area, -1 where to a darker one: (1, 1, H, W)."""
    blurred = gaussian_blur(brightness, SIDE_SIGMA)[None]
    rise = sample_at(blurred, 2 * normal, grid) - sample_at(blurred, -2 * normal, grid)
    return rise / (rise.abs() + SIDE_STEP)


def _mean_along(plane: Tensor, tangent: Tensor, grid: Tensor, sigma: float, step: float = 1.0) -> Tensor:
    """The Gaussian mean of (1, 1, H, W) along the flow, both ways from each pixel: (1, H, W).

    `step` is the distance of the samples in pixels.
    """
    total, weights = plane.clone(), 1.0
    for sign in (1.0, -1.0):
        offset, heading = torch.zeros_like(tangent), sign * tangent
        for t in range(1, round(2 * sigma / step) + 1):
            offset = offset + step * heading
            sampled = sample_at(torch.cat([plane[0], tangent])[None], offset, grid)
            weight = gauss(t * step, sigma)
            total, weights = total + weight * sampled[:, :1], weights + weight
            # A tangent has no sign: choose the one that continues in the heading's direction.
            next_tangent = sampled[0, 1:]
            agreement = (next_tangent * heading).sum(0, keepdim=True).sign()
            heading = F.normalize(next_tangent * torch.where(agreement == 0, 1.0, agreement), dim=0)
    return (total / weights)[0]


def _edge_tangent(picture: Tensor) -> Tensor:
    """Unit vectors (2, H, W), x then y, along the edges: the structure tensor's minor eigenvector."""
    xx, xy, yy = structure_tensor(picture, TENSOR_SIGMA)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)  # of the gradient
    return torch.stack([-torch.sin(angle), torch.cos(angle)])
