"""Finds letters, windows and the faces of a crowd: fine shapes of two tones, which strokes would blur."""

from torch import Tensor

from ..filters import gaussian_blur, ramp
from ..lab import luma

SIGMA, SMOOTH = 5.0, 5.0  # pixels over which tones are compared, and over which the result is smoothed
# Bimodality coefficient: 0.33 for noise, 0.4 in leaves, 0.5 in a crowd, 0.7 in letters, 1 for two values.
BIMODALITY = 0.38, 0.46  # up to the first, there are no two tones; from the second on, there are
CONTRAST = 0.08, 0.11  # standard deviation, likewise: leaves have less than the first


def two_tone(picture: Tensor) -> Tensor:
    """How much the surround of each pixel of (3, H, W) in [0, 1] has two tones: (1, H, W) in [0, 1].

    The bimodality coefficient (skewness^2 + 1) / kurtosis (SAS/STAT User's Guide, CLUSTER procedure) of
    each channel's mean with the luma; the channel with the clearest tones counts, because red letters on
    green have one luma. An edge has two tones too.
    """
    channels = (picture + luma(picture)) / 2
    first, second, third, fourth = (gaussian_blur(channels**n, SIGMA) for n in (1, 2, 3, 4))
    variance = (second - first**2).clamp(min=1e-5)
    third_moment = third - 3 * first * second + 2 * first**3
    fourth_moment = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    skewness_squared, kurtosis = third_moment**2 / variance**3, fourth_moment / variance**2
    bimodality = (skewness_squared + 1) / kurtosis.clamp(min=1)
    clear = ramp(bimodality, *BIMODALITY) * ramp(variance.sqrt(), *CONTRAST)
    return gaussian_blur(clear.amax(0, keepdim=True), SMOOTH).clamp(0, 1)
