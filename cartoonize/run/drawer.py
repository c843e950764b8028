"""Draws frames and applies effects, both on the GPU as far as the backend can."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..backends import LoadedBackend
from ..core.draw_size import resize
from ..core.frames import Backend, Frame, Image
from ..effects.effect import Effect, EffectChain

if TYPE_CHECKING:
    from torch import Tensor


class Drawer:
    """A backend together with effects.

    `effects` is the chain for the drawings that a call returns. If the backend runs effects on its device,
    the chain contains only the remaining ones.
    """

    def __init__(self, backend: Backend, effects: Sequence[Effect]) -> None:
        self._backend = backend
        self.effects = EffectChain(effects)
        self._on_device = isinstance(backend, LoadedBackend) and backend.runs_effects
        if self._on_device:
            self._tensor_chain = self.effects.split_off_tensor_chain()

    def __call__(self, frames: Sequence[Frame], *, first: bool = False) -> Callable[[], Sequence[Image]]:
        """Draw frames of one size; return a function that waits for their drawings.

        Call it with the frames in order. `first` says that a segment begins with these.

        Raises:
            ValueError: the backend returned another number of drawings.
        """
        if not frames:
            return list
        images = [frame.image for frame in frames]
        if self._on_device:
            return self._submit(frames, images, first=first)
        # One picture needs no stacking, which would copy it.
        drawings = self._backend(images[0][None] if len(images) == 1 else np.stack(images))
        if len(drawings) != len(images):
            raise ValueError(f"The backend returned {len(drawings)} drawings of {len(images)} pictures.")
        return lambda: list(drawings)

    def _submit(
        self, frames: Sequence[Frame], images: list[Image], *, first: bool
    ) -> Callable[[], Sequence[Image]]:
        assert isinstance(self._backend, LoadedBackend)
        chain, size = self._tensor_chain, frames[0].size
        if first:
            chain.restart()
        pictures = [images, [_at_own_size(frame) for frame in frames]] if chain.needs_source else [images]

        def apply_effects(drawings: "Tensor", sources: "Tensor", full: "Tensor | None" = None) -> "Tensor":
            return chain(drawings, sources, size, full)

        wait = self._backend.submit(pictures, apply_effects)
        return lambda: list(wait())


def _at_own_size(frame: Frame) -> Image:
    image = frame.image if frame.full is None else frame.full
    return image if frame.size == image.shape[1::-1] else resize(image, frame.size)
