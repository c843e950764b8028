"""Pictures that the generator made earlier, for the discriminator to see again."""

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """A history of `size` pictures (Shrivastava et al., CVPR 2017), which keeps D from forgetting old tricks.

    Of a full pool, every second picture on average is swapped for an earlier one. A size of 0 is no pool.
    The pictures are part of a checkpoint: what D sees next depends on them. Of several processes each has a
    pool of its own and only the first one's is saved: a run that goes on starts all of them from that, and
    is then not bit for bit what it would have been uninterrupted.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.pictures: list[Tensor] = []

    def exchange(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) -> the same, with some pictures swapped for earlier ones."""
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
        """Go on from `state_dict()`; pictures move to the device when they are used."""
        self.pictures = list(state["pictures"])
