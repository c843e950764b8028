"""A history of the generator's outputs, which the discriminator sees again."""

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """A history of `size` pictures (Shrivastava et al., CVPR 2017), so that D remembers earlier outputs.

    Once the pool is full, every second picture on average is exchanged for an earlier one. A size of 0 turns
    the pool off. The pictures are part of a checkpoint, as D's next input depends on them. Under torchrun
    each process has its own pool and only the first one's is saved: a resumed run starts all of them from
    that one, and does not equal an uninterrupted run bit for bit.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.pictures: list[Tensor] = []

    def exchange(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) -> the same shape, with some pictures exchanged for earlier ones."""
        if not self.size:
            return pictures
        return torch.stack([self._exchange(picture) for picture in pictures])

    def _exchange(self, picture: Tensor) -> Tensor:
        if len(self.pictures) < self.size:
            self.pictures.append(picture.clone())
            return picture
        if torch.rand(()) < 0.5:
            return picture
        slot = int(torch.randint(self.size, ()))
        earlier, self.pictures[slot] = self.pictures[slot], picture.clone()
        return earlier.to(picture.device)

    def state_dict(self) -> dict[str, Any]:
        """The pictures."""
        return {"pictures": self.pictures}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of `state_dict()`; pictures move to the device when they are used."""
        self.pictures = list(state["pictures"])
