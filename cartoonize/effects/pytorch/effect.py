"""The contract of effects in PyTorch."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor


class TensorEffect(ABC):
    """An effect that gives the result of its counterpart, to a level, for drawings on any device.

    Nothing may make the CPU wait for the device: neither `if` nor `item()` may depend on values of tensors.

    Attributes:
        needs_source: whether it reads `sources`.
        state: what the effect remembers of earlier frames; None at the beginning of a segment. It is
            replaced, and never changed in place: if a call fails for lack of memory, `TensorChain` restores
            it. The next call may be on another device.
    """

    needs_source: ClassVar[bool] = True
    state: Any = None

    def restart(self) -> None:
        """Forget all earlier frames: the next call begins a segment."""
        self.state = None

    @abstractmethod
    def __call__(self, sources: Tensor, drawings: Tensor) -> Tensor:
        """Return the next state of the drawings of neighbouring frames, in order.

        All are (N, H, W, 3) uint8 and of one size; `sources` may have another one if they are not read. The
        last effect may return planes (`Frame.image`). Do not change either argument.
        """
