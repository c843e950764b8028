"""Paints rough places, such as woods, meadows and crowds: brush strokes in few tones."""

import math

import torch
from torch import Tensor

from ..filters import gaussian_blur, kuwahara, ramp

# Sigma and offset of further Kuwahara filters, in pixels: two join the strokes, and the last one rounds the
# borders of their tones.
JOIN, ROUND = ((1.7, 2.5), (2.6, 3.9)), (1.7, 2.5)
# Tones are steps of STEP standard deviations of the lightness within SIGMA pixels, plus GRAIN of noise.
STEP, SIGMA, GRAIN = 2.0, 16.0, 0.004
SLOPE = 8.0  # steepness from one tone to the next: a hard step would turn noise into specks
# Squared roughness, in units of the square of a look's `rough`: up to the first, rough places are brush
# strokes only; from the second on, PHOTO_SHARE of each tone comes from the photo.
STROKES_UNTIL, PHOTO_SHARE = (2.0, 8.0), 0.4


def enlarge_strokes(strokes: Tensor) -> Tensor:
    """Join the strokes of a first Kuwahara filter, and give them few tones; (3, H, W) in [0, 1] -> the same.

    Each pixel depends on a few around it, so that a network can learn them. It learns smoothing that decides
    over a whole area as a blur.
    """
    for size in JOIN:
        strokes = kuwahara(strokes, *size)
    return kuwahara(step_tones(strokes), *ROUND)


def step_tones(picture: Tensor) -> Tensor:
    """Pull the lightness of (3, H, W) in [0, 1] to steps around its local mean: light, tone, shade of a tree.

    Soft steps of z = (L - mean) / (STEP deviation), see `quantise_softly` in cartoon_target.py; their
    middles are at 0.5.
    """
    lightness = picture.mean(0, keepdim=True)
    difference = lightness - gaussian_blur(lightness, SIGMA)
    step = STEP * (gaussian_blur(difference.square(), SIGMA).sqrt() + GRAIN)
    position = difference / step
    nearest = position.round()
    stepped = nearest + torch.tanh((position - nearest) * SLOPE) / (2 * math.tanh(SLOPE / 2))
    return (picture + (stepped - position) * step).clamp(0, 1)


def rough_tones(strokes: Tensor, painted: Tensor, relative: Tensor) -> Tensor:
    """The tones of rough places, (3, H, W): the brush strokes, in low contrast as of woods and meadows.

    Where the squared roughness `relative` (H, W) is high, as in a crowd or in letters, a part of each tone
    comes from `painted`, which has strokes in dense texture only. Otherwise small faces become blobs.
    """
    return torch.lerp(strokes, painted, PHOTO_SHARE * ramp(relative, *STROKES_UNTIL))
