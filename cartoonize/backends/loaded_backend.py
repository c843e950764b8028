"""The contract of all backends: the call, the attributes, and closing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Self, final

import numpy as np

from ..core.errors import BackendError
from ..core.frames import Image, Images
from ..styles.card import Card

if TYPE_CHECKING:
    from torch import Tensor


class LoadedBackend(ABC):
    """A style, ready to draw. Whoever loads it closes it, by `close` or at the end of a `with` block.

        with load("pepper") as backend:
            cartoons = backend(photos)

    A subclass sets the attributes in its constructor and implements `_draw`; `_release` and `gflop` where it
    has something to release or knows its cost. It may be called from any thread, but by one at a time.

    Attributes:
        runtime: the name of the library that draws, as reports and journals hold it.
        device: the name of the device for people: "NVIDIA H100", or how many nodes run on which provider.
        precision: "fp32", "bf16", "fp16", "int8" or "none".
        batch: how many pictures per call suit the device.
        runs_effects: whether `submit` applies effects in PyTorch to drawings in the memory of the device.
        pixel_format: the range and channel order that were detected for a network of another program, as
            "0..1 bgr"; empty for all others.
        card: the card of the style.
        network: the architecture and its configuration, for people.
    """

    runtime: ClassVar[str]
    device: str
    precision: str
    batch: int
    runs_effects: bool = False
    pixel_format: str = ""
    card: Card = Card()
    network: str = ""

    _closed = False

    @property
    def notices(self) -> list[str]:
        """Sentences for the user about unexpected conditions of the run, such as too little memory."""
        return []

    def gflop(self, height: int, width: int) -> float | None:  # noqa: ARG002  # subclasses need them
        """Return 10^9 floating-point operations of the convolutions for one picture; None if unknown."""
        return None

    @final
    def __call__(self, images: Images) -> Images:
        """Draw pictures, (N, H, W, 3) uint8 RGB -> the same, of any number and size.

        The array is never written to. It may be the one that is returned.

        Raises:
            BackendError: the backend is closed, or has too little memory even for small tiles.
            ValueError: the array has another shape or type.
        """
        self._check_open()
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(
                "A backend draws pictures as an array (N, height, width, 3) of uint8, not "
                f"{images.shape} of {images.dtype}."
            )
        return self._draw(images) if images.size else images.copy()

    @final
    def submit(
        self, pictures: Sequence[Sequence[Image] | Images], apply_effects: "Callable[..., Tensor]"
    ) -> Callable[[], Images]:
        """Draw pictures and apply effects to the drawings before they leave the memory of the device.

        Return at once, with a function that waits for the results. Only backends with `runs_effects` have
        this method.

        Args:
            pictures: lists of pictures of one size; the first list is drawn.
            apply_effects: gets the drawings and all lists of pictures, as tensors (N, H, W, 3) uint8, and
                returns the results, uint8 with N in front. It may not wait for the device. After an error of
                too little memory it is called again, with fewer pictures or with tensors on the CPU.

        Raises:
            BackendError: the backend is closed, or has too little memory.
        """
        self._check_open()
        return self._submit(pictures, apply_effects)

    @final
    def close(self) -> None:
        """End all threads, wait for them, and release memory. Closing again does nothing."""
        if not self._closed:
            self._closed = True
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("This backend is closed; load the style again.")

    def _submit(
        self, pictures: Sequence[Sequence[Image] | Images], apply_effects: "Callable[..., Tensor]"
    ) -> Callable[[], Images]:
        """Draw pictures, as `submit`; the backend is open."""
        raise NotImplementedError

    @abstractmethod
    def _draw(self, images: Images) -> Images:
        """Draw pictures, as `__call__`; the backend is open."""

    def _release(self) -> None:  # not every backend holds something
        """Release what the backend holds; called once, by `close`."""
