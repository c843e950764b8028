"""Conversion to YUV 4:2:0 in PyTorch; `media/colour.py` has FFmpeg do it, to a level from 8 lines on."""

from typing import ClassVar

import torch
from torch import Tensor

from ...core.yuv import YuvWeights
from .effect import TensorEffect


class TensorYuvConversion(TensorEffect):
    """Converts drawings of even size to planes; those of odd size stay RGB."""

    needs_source: ClassVar[bool] = False

    def __init__(self, weights: YuvWeights) -> None:
        self._weights = weights

    def __call__(self, sources: Tensor, drawings: Tensor) -> Tensor:  # noqa: ARG002
        """See TensorEffect."""
        height, width = drawings.shape[1:3]
        return drawings if height % 2 or width % 2 else to_yuv420(drawings, self._weights)


def to_yuv420(pictures: Tensor, weights: YuvWeights) -> Tensor:
    """Convert pictures, (N, H, W, 3) uint8 RGB of even size, to YUV 4:2:0.

    Returns:
        (N, 3 / 2 H, W) uint8: the bytes of Y, then those of U, then those of V (I420).
    """
    count, height, width = pictures.shape[:3]
    pixels = pictures.float()
    pairs = pixels.reshape(count, height, width // 2, 2, 3).mean(3)
    luma, *chroma = weights
    planes = [_weigh(pixels, luma), *(_halve_rows(_weigh(pairs, row)) for row in chroma)]
    levels = torch.cat([plane.flatten(1) for plane in planes], 1)
    return (levels + 0.5).clamp(0, 255).byte().view(count, height * 3 // 2, width)


def _weigh(pixels: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """(..., 3) -> (...)."""
    red, green, blue = pixels.unbind(-1)
    return weights[0] * red + weights[1] * green + weights[2] * blue + weights[3]


def _halve_rows(plane: Tensor) -> Tensor:
    """(N, H, W) -> (N, H / 2, W), by the triangular filter of four rows that swscale uses."""
    height = plane.shape[1]
    padded = torch.cat([plane[:, :1], plane, plane[:, -1:]], 1)
    first, second, third, fourth = (padded[:, start : start + height : 2] for start in range(4))
    return (first + 3 * (second + third) + fourth) / 8
