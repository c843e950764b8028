"""Samples pictures at other positions, as OpenCV's `remap` does."""

import torch
from torch import Tensor


def sample(image: Tensor, motion: Tensor) -> Tensor:
    """Sample a picture bilinearly at each pixel plus its motion; beyond its edges, the edge pixels repeat.

    `grid_sample` is faster, but rounds the positions, and so levels that are halfway.

    Args:
        image: (H, W, C), uint8 or float32.
        motion: (2, H, W), the offsets x and y in pixels.

    Returns:
        (H, W, C) float32.
    """
    height, width, channels = image.shape
    x = motion[0] + torch.arange(width, device=image.device)
    y = motion[1] + torch.arange(height, device=image.device)[:, None]
    left, top = x.floor(), y.floor()
    corners = torch.arange(2, device=image.device)[:, None, None]
    columns = (left + corners).clamp(0, width - 1).int()
    rows = (top + corners).clamp(0, height - 1).int()
    index = (rows * width)[:, None] + columns
    pixels = image.reshape(height * width, channels).index_select(0, index.flatten())
    pixels = pixels.view(2, 2, height, width, channels).float()
    row = torch.lerp(pixels[:, 0], pixels[:, 1], (x - left)[..., None])
    return torch.lerp(row[0], row[1], (y - top)[..., None])
