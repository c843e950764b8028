"""Applies effects in PyTorch to a batch of drawings, as `EffectChain` does to one on the CPU."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...models.draw_size import enlarge
from .effect import TensorEffect


class TensorChain:
    """Effects at draw size, the enlargement, and effects at the source's size, in this order.

    Without `enlarges` the drawings keep their size, and there are no effects of the last kind.
    """

    def __init__(
        self,
        at_draw_size: Sequence[TensorEffect],
        at_source_size: Sequence[TensorEffect] = (),
        *,
        enlarges: bool = False,
    ) -> None:
        self._at_draw_size, self._at_source_size = at_draw_size, at_source_size
        self._effects = (*at_draw_size, *at_source_size)
        self._enlarges = enlarges

    @property
    def needs_source(self) -> bool:
        """Whether the last argument of a call has to be given."""
        return any(effect.needs_source for effect in self._at_source_size)

    def restart(self) -> None:
        """Begin a segment."""
        for effect in self._effects:
            effect.restart()

    def __call__(
        self, drawings: Tensor, sources: Tensor, size: tuple[int, int], full: Tensor | None = None
    ) -> Tensor:
        """Return the finished drawings of neighbouring frames: (N, H, W, 3) uint8, or planes (`Frame.image`).

        All arguments are (N, H, W, 3) uint8: `drawings` and `sources` at draw size, `full` the sources at
        their own `size` (width, height).

        If it fails, as for lack of memory, it can be repeated, also with fewer frames or on another device.
        """
        states = [effect.state for effect in self._effects]
        try:
            return self._apply(drawings, sources, size, full)
        except RuntimeError:
            for effect, state in zip(self._effects, states, strict=True):
                effect.state = state
            raise

    def _apply(self, drawings: Tensor, sources: Tensor, size: tuple[int, int], full: Tensor | None) -> Tensor:
        for effect in self._at_draw_size:
            drawings = effect(sources, drawings)
        if not self._enlarges:
            return drawings
        full = sources if full is None else full  # which no effect reads
        # One by one, because enlarged pictures in float32 take the most memory.
        numbers = range(len(drawings))
        return torch.stack([self._finish(number, drawings, size, full) for number in numbers])

    def _finish(self, number: int, drawings: Tensor, size: tuple[int, int], full: Tensor) -> Tensor:
        one = slice(number, number + 1)
        drawing = enlarge(drawings[one], size)
        for effect in self._at_source_size:
            drawing = effect(full[one], drawing)
        return drawing[0]
