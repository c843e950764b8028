"""Adversarial losses: a discriminator's own, and the filtered views of pictures that discriminators see."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from .filters import box_mean, to_yuv

Criterion: TypeAlias = Callable[[Tensor, float], Tensor]
"""Distance of a discriminator's logits to their target: 1 for real, 0 for fake."""


def bce(logits: Tensor, target: float) -> Tensor:
    """The log loss: -log sigmoid(x) towards 1, -log(1 - sigmoid(x)) towards 0 (Goodfellow et al., 2014)."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def least_squares(logits: Tensor, target: float) -> Tensor:
    """(x - target)^2, without a sigmoid (Mao et al., ICCV 2017), as in the official CartoonGAN code."""
    return (logits - target).square().mean()


CRITERIA: dict[str, Criterion] = {"bce": bce, "least_squares": least_squares}


def discriminator_loss(
    criterion: Criterion, artist: Tensor, generated: Tensor, smoothed: Tensor | None = None
) -> Tensor:
    """CartoonGAN's L_adv for the discriminator: artist 1, generated 0, edge-smoothed 0; takes D's logits.

    E_c[-log D(c)] + E_p[-log(1 - D(G(p)))] + E_e[-log(1 - D(e))] (Chen et al., CVPR 2018, eq. 3). Without
    `smoothed` it is the plain loss of two terms.
    """
    fakes = [generated] if smoothed is None else [generated, smoothed]
    return criterion(artist, 1.0) + torch.stack([criterion(fake, 0.0) for fake in fakes]).sum()


def surface_view(x: Tensor, radius: int = 5, eps: float = 0.2) -> Tensor:
    """White-box Cartoonization's surface: what its surface discriminator sees (CVPR 2020, eq. 2).

    The guided filter with the picture as its own guide (He, Sun, Tang, 2010): in every window of
    (2 radius + 1)^2 pixels, a = var / (var + eps), b = mean - a mean; the output is mean(a) x + mean(b).
    """
    mean = box_mean(x, radius)
    variance = (box_mean(x * x, radius) - mean * mean).clamp(min=0)
    a = variance / (variance + eps)
    return box_mean(a, radius) * x + box_mean(mean - a * mean, radius)


def texture_view(x: Tensor, mix: Tensor, luma: float = 0.8) -> Tensor:
    """White-box Cartoonization's texture: what its texture discriminator sees (CVPR 2020, eq. 5).

    F(x) = (1 - luma) (b1 R + b2 G + b3 B) + luma Y, with `mix` = b of shape (N, 3), sampled from U(-1, 1);
    (N, 1, H, W), repeated to three channels.
    """
    random = (x * mix[:, :, None, None]).sum(1, keepdim=True)
    return ((1 - luma) * random + luma * to_yuv(x)[:, :1]).expand(-1, 3, -1, -1)
