"""Coherent line drawing: the flow-based difference of Gaussians of Kang, Lee, Chui (NPAR 2007)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .filters import gauss, pixel_grid, sample_at, structure_tensor

LUMA = (0.299, 0.587, 0.114)  # Rec. 601, on gamma-coded RGB


def flow_lines(
    picture: Tensor,
    threshold: float | Tensor = 0.0,
    sigma_tensor: float = 2.5,
    sigma_c: float = 1.0,
    sigma_m: float = 3.0,
    rho: float = 0.985,
    slope: float = 60.0,
) -> Tensor:
    """Coherent lines (1, H, W) of a picture (3, H, W): 1 is paper, 0 is ink.

    Across the local edge direction, a Gaussian of `sigma_c` minus `rho` times one of 1.6 `sigma_c`; along it,
    a Gaussian of `sigma_m`, which follows the flow, joins broken pieces and removes specks. The direction is
    the minor eigenvector of the structure tensor smoothed by `sigma_tensor`. A line must be darker than its
    surround by `threshold`, a number or (1, H, W): the outline of a tree's crown is, most leaves are not.
    """
    tangent = _edge_tangent(picture, sigma_tensor)
    grid = pixel_grid(picture)
    response = _difference_across(picture, tangent, grid, sigma_c, rho)
    mean = _mean_along(response, tangent, grid, sigma_m)
    return 1 + torch.tanh(slope * (mean + threshold).clamp(max=0))


def _difference_across(picture: Tensor, tangent: Tensor, grid: Tensor, sigma_c: float, rho: float) -> Tensor:
    """The difference of Gaussians of luma across the edges: (1, 1, H, W)."""
    luma = (picture * picture.new_tensor(LUMA)[:, None, None]).sum(0, keepdim=True)[None]
    normal = torch.stack([-tangent[1], tangent[0]])
    sigma_s = 1.6 * sigma_c
    radius = round(3 * sigma_s)
    steps = range(-radius, radius + 1)
    total_c = sum(gauss(t, sigma_c) for t in steps)
    total_s = sum(gauss(t, sigma_s) for t in steps)
    response = torch.zeros_like(luma)
    for t in steps:
        weight = gauss(t, sigma_c) / total_c - rho * gauss(t, sigma_s) / total_s
        response = response + weight * sample_at(luma, t * normal, grid)
    return response


def _mean_along(response: Tensor, tangent: Tensor, grid: Tensor, sigma_m: float) -> Tensor:
    """The Gaussian mean of the response along the flow, both ways from each pixel: (1, H, W)."""
    total, weights = response.clone(), 1.0
    for sign in (1.0, -1.0):
        offset, heading = torch.zeros_like(tangent), sign * tangent
        for t in range(1, round(2 * sigma_m) + 1):
            offset = offset + heading
            sampled = sample_at(torch.cat([response[0], tangent])[None], offset, grid)
            total = total + gauss(t, sigma_m) * sampled[:, :1]
            weights += gauss(t, sigma_m)
            # A tangent has no sign: choose the one that continues in the heading's direction.
            next_tangent = sampled[0, 1:]
            agreement = (next_tangent * heading).sum(0, keepdim=True).sign()
            heading = F.normalize(next_tangent * torch.where(agreement == 0, 1.0, agreement), dim=0)
    return (total / weights)[0]


def _edge_tangent(picture: Tensor, sigma: float) -> Tensor:
    """Unit vectors (2, H, W), x then y, along the edges: the structure tensor's minor eigenvector."""
    xx, xy, yy = structure_tensor(picture, sigma)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)  # of the gradient
    return torch.stack([-torch.sin(angle), torch.cos(angle)])
