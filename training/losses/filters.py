"""Filters that several losses share."""

import torch
from torch import Tensor
from torch.nn import functional as F

_YUV = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def to_yuv(x: Tensor) -> Tensor:
    """RGB -> luma and two colour differences, Rec. 601, all scaled to span 2."""
    # A copy that blocks would make the CPU wait for all work that is queued on a GPU.
    matrix = _YUV.to(x.device, x.dtype, non_blocking=True)
    return torch.einsum("ij,njhw->nihw", matrix, x)


def box_mean(x: Tensor, radius: int) -> Tensor:
    """The mean of the pixels within `radius`, counting only those inside the picture."""
    return F.avg_pool2d(x, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)


def horizontal_differences(x: Tensor) -> Tensor:
    """x(i, j+1) - x(i, j), one column narrower."""
    return x[..., 1:] - x[..., :-1]


def vertical_differences(x: Tensor) -> Tensor:
    """x(i+1, j) - x(i, j), one row lower."""
    return x[..., 1:, :] - x[..., :-1, :]
