"""Paints rough places: woods, meadows and gravel in large strokes, places of many colours in small ones."""

import torch
from torch import Tensor

from ..filters import gaussian_blur, kuwahara, ramp, round_softly
from ..lab import rgb_to_lab

# Sigma and offset of further Kuwahara filters, in pixels: the first joins the strokes, the second joins them
# to large ones, and the last rounds the borders of their tones.
JOIN, JOIN_LARGE, ROUND = (1.7, 2.5), (2.6, 3.9), (1.7, 2.5)
# Tones are steps of so many standard deviations of the lightness within SIGMA pixels, plus GRAIN of noise.
SMALL_STEP, LARGE_STEP, SIGMA, GRAIN = 1.2, 2.0, 16.0, 0.004
SLOPE = 8.0  # steepness from one tone to the next: a hard step would turn noise into specks
# Standard deviation in Lab within VARIETY_SIGMA pixels: up to the first, as in woods, strokes are large; from
# the second on, as in crowds, they are small.
VARIETY, VARIETY_SIGMA = (11.0, 17.0), 20.0
# Squared roughness, in units of the square of a look's `rough`: up to the first, places of many colours are
# strokes only; from the second on, half of each tone comes from the photo.
STROKES_UNTIL = 1.0, 4.0


def variety(picture: Tensor) -> Tensor:
    """How much the colours near each pixel of (3, H, W) in [0, 1] differ: (1, H, W), from 0 to 1.

    Leaves, grass and stones of a place have one colour, lighter and darker. The faces and clothes of a crowd
    have many colours, and large strokes would turn them into blobs.
    """
    lab = rgb_to_lab(gaussian_blur(picture, 1.5))
    difference = (lab - gaussian_blur(lab, VARIETY_SIGMA)).square().sum(0, keepdim=True)
    return ramp(gaussian_blur(difference, VARIETY_SIGMA).sqrt(), *VARIETY)


def rough_tones(strokes: Tensor, painted: Tensor, relative: Tensor, varied: Tensor) -> Tensor:
    """The tones of rough places, (3, H, W) in [0, 1], from the strokes of a first Kuwahara filter.

    Where `varied` (1, H, W) is 0, strokes are large. Where it is 1, they are small, and where the squared
    roughness `relative` (H, W) is high too, half of each tone comes from `painted`, which has strokes in
    dense texture only. Each pixel depends on a few around it, so that a network can learn it. It learns
    smoothing that decides over a whole area as a blur.
    """
    joined = kuwahara(strokes, *JOIN)
    large = kuwahara(step_tones(kuwahara(joined, *JOIN_LARGE), LARGE_STEP), *ROUND)
    small = torch.lerp(step_tones(joined, SMALL_STEP), painted, ramp(relative, *STROKES_UNTIL) / 2)
    return torch.lerp(large, small, varied)


def step_tones(picture: Tensor, deviations: float) -> Tensor:
    """Pull the lightness of (3, H, W) in [0, 1] to steps around its local mean: light, tone, shade of a tree.

    Soft steps of (L - mean) / (deviations * standard deviation); their middles are at 0.5.
    """
    lightness = picture.mean(0, keepdim=True)
    difference = lightness - gaussian_blur(lightness, SIGMA)
    step = deviations * (gaussian_blur(difference.square(), SIGMA).sqrt() + GRAIN)
    position = difference / step
    stepped = round_softly(position, SLOPE, continuous=True)
    return (picture + (stepped - position) * step).clamp(0, 1)
