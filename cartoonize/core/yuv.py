"""The weights of red, green and blue in YUV, the form in which most encoders take frames."""

from typing import TypeAlias

YuvWeights: TypeAlias = tuple[tuple[float, float, float, float], ...]
"""For Y, U and V, from 0 to 255: the weights of red, green and blue, and a constant."""


def yuv_weights(red: float, blue: float, *, full_range: bool) -> YuvWeights:
    """Return the weights for 8 bits; `red` and `blue` are those in luma (Kr and Kb of ITU-T H.273, 8.3)."""
    green = 1 - red - blue
    luma, chroma, black = (1.0, 1.0, 0.0) if full_range else (219 / 255, 224 / 255, 16.0)
    u, v = chroma / (2 - 2 * blue), chroma / (2 - 2 * red)
    return (
        (luma * red, luma * green, luma * blue, black),
        (-u * red, -u * green, chroma / 2, 128.0),
        (chroma / 2, -v * green, -v * blue, 128.0),
    )
