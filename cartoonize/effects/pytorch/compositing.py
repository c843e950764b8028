"""Blending a drawing with its source in PyTorch; `effects/compositing.py` gives the same result."""

from torch import Tensor

from ..compositing import LUMA
from .effect import TensorEffect


class TensorRetouch(TensorEffect):
    """Combines drawings with their sources: see `Retouch`."""

    def __init__(self, strength: float, *, keep_colour: bool) -> None:
        self._strength, self._keep_colour = strength, keep_colour

    def __call__(self, sources: Tensor, drawings: Tensor) -> Tensor:
        """See TensorEffect."""
        if self._strength == 0:
            return sources
        drawn = recolour(sources, drawings) if self._keep_colour else drawings
        return blend(sources, drawn, self._strength)


def recolour(sources: Tensor, drawings: Tensor) -> Tensor:
    """Return the luma of the drawings with the chroma of the sources."""
    red, green, blue = (drawings.float() - sources).unbind(-1)
    change = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return (sources + change.round()[..., None]).clamp(0, 255).byte()


def blend(sources: Tensor, drawings: Tensor, strength: float) -> Tensor:
    """Interpolate from the sources, at strength 0, to the drawings, at 1, rounded to the nearest level."""
    if strength == 1:
        return drawings
    return ((drawings.float() - sources) * strength + sources + 0.5).byte()
