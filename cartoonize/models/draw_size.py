"""Resizing to the draw size and back in PyTorch, for exported files and for drawings on a GPU.

`cartoonize/core/draw_size.py` does the same with OpenCV, and gives the reasons. `enlarge` equals it to a
level; `Reduce` averages with other weights, those of ONNX.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Reduce(nn.Module):
    """Pictures (N, H, W, 3) uint8 -> the same at `size` (width, height), antialiased."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.shape = size[::-1]

    def forward(self, images: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 -> (N, height, width, 3) uint8."""
        x = images.permute(0, 3, 1, 2).float()
        return _as_bytes(F.interpolate(x, self.shape, mode="bilinear", align_corners=False, antialias=True))


class Enlarge(nn.Module):
    """Drawings of `drawn` (width, height) -> the same at `size`, with sharp edges."""

    def __init__(self, drawn: tuple[int, int], size: tuple[int, int]) -> None:
        super().__init__()
        self.shape = size[::-1]
        self.contrast = (size[0] * size[1] / (drawn[0] * drawn[1])) ** 0.5
        self.gain = 2 * self.contrast - 1  # the factor by which differences between drawings can grow

    def forward(self, images: Tensor) -> Tensor:
        """(N, height of `drawn`, its width, 3) uint8 -> (N, height of `size`, its width, 3) uint8."""
        x = images.permute(0, 3, 1, 2).float()
        lightest, darkest = F.max_pool2d(x, 3, 1, 1), -F.max_pool2d(-x, 3, 1, 1)
        middle = (0.5 * (darkest + lightest)).round()
        steep = (self.contrast * x).round() + ((1 - self.contrast) * middle).round()
        steep = self._upscale(steep, "bicubic")
        low, high = (self._upscale(bound, "bilinear").round() for bound in (darkest, lightest))
        return _as_bytes(torch.minimum(torch.maximum(steep, low), high))

    def _upscale(self, x: Tensor, mode: str) -> Tensor:
        upscaled: Tensor = F.interpolate(x, self.shape, mode=mode, align_corners=False)
        return upscaled


def enlarge(drawings: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize drawings, (N, H, W, 3) uint8, to a width and height: see `core.draw_size.enlarge`."""
    height, width = drawings.shape[1:3]
    if size == (width, height):
        return drawings
    if size[0] * size[1] > width * height:
        enlarged: Tensor = Enlarge((width, height), size)(drawings)
        return enlarged
    rows, columns = (
        _area_weights(*sides, drawings.device) for sides in ((height, size[1]), (width, size[0]))
    )
    return _as_bytes(rows @ drawings.permute(0, 3, 1, 2).float() @ columns.T)


def _area_weights(length: int, smaller: int, device: torch.device) -> Tensor:
    """The share of each of `length` pixels in each of fewer and wider ones: (smaller, length)."""
    scale = length / smaller
    left = torch.arange(smaller, device=device)[:, None] * scale
    pixel = torch.arange(length, device=device)
    overlap = torch.minimum(left + scale, pixel + 1) - torch.maximum(left, pixel)
    return overlap.clamp(0) / scale


def _as_bytes(x: Tensor) -> Tensor:
    return x.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8)
