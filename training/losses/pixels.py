"""Losses on the pixels of the output that need no target."""

from torch import Tensor
from torch.nn import functional as F

from ..filters import gaussian_blur
from .filters import horizontal_differences, to_yuv, vertical_differences


def total_variation(x: Tensor) -> Tensor:
    """Mean |x(i, j+1) - x(i, j)| + mean |x(i+1, j) - x(i, j)| (Rudin, Osher, Fatemi, 1992, anisotropic)."""
    return horizontal_differences(x).abs().mean() + vertical_differences(x).abs().mean()


def colour(output: Tensor, photo: Tensor, sigma: float = 4.0) -> Tensor:
    """||blur(YUV(G(p))) - blur(YUV(p))||_1: broad colours stay, edges and texture are free.

    After AnimeGAN's colour reconstruction loss (Chen, Liu, Chen, 2019, eq. 5), which is L1 on Y and Huber
    on U and V; here it is L1 on all three, after a Gaussian of `sigma` pixels.
    """
    return F.l1_loss(gaussian_blur(to_yuv(output), sigma), gaussian_blur(to_yuv(photo), sigma))
