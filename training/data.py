"""Pictures for training: endless batches in which picture number i depends on the seed and i alone.

So a run can start again at any picture, on any number of workers, and see what an uninterrupted run sees.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PIL
from PIL import ImageFilter
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import TrainingError
from ..frames import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


def list_pictures(folder: Path) -> list[Path]:
    """All pictures below a folder, by name.

    Raises:
        TrainingError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise TrainingError(f"There are no pictures in {folder} ({', '.join(sorted(SUFFIXES))}).")
    return found


def read_rgb(path: Path) -> Image:
    """A picture as (H, W, 3) uint8 RGB."""
    with PIL.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """Crops of photos with the same crops of their targets; item i is a function of (seed, i).

    The photo is also made worse, as real videos are: noise of the sensor, a little blur, JPEG blocks. The
    target stays clean, which teaches the network to be steady where its input is not.
    """

    def __init__(self, photos: Sequence[Path], targets: Sequence[Path], size: int, seed: int) -> None:
        self.photos, self.targets, self.size, self.seed = photos, targets, size, seed
        self.cache: dict[int, tuple[Image, Image]] = {}

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Photo and target, (3, size, size) uint8."""
        rng = np.random.default_rng((self.seed, index))
        photo, target = self._pair(int(rng.integers(len(self.photos))))
        top, left = (int(rng.integers(side - self.size + 1)) for side in photo.shape[:2])
        window = (slice(top, top + self.size), slice(left, left + self.size))
        crops = [photo[window], target[window]]
        if rng.random() < 0.5:
            crops = [crop[:, ::-1] for crop in crops]
        return as_tensor(degrade(np.ascontiguousarray(crops[0]), rng)), as_tensor(crops[1])

    def _pair(self, number: int) -> tuple[Image, Image]:
        if number not in self.cache:
            self.cache[number] = read_rgb(self.photos[number]), read_rgb(self.targets[number])
        return self.cache[number]


def as_tensor(picture: Image) -> Tensor:
    """(H, W, 3) -> (3, H, W), uint8."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def degrade(photo: Image, rng: np.random.Generator) -> Image:
    """What cameras and codecs do to pictures, each at times: blur, sensor noise, JPEG. Same shape."""
    picture = PIL.fromarray(photo)
    if rng.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(1, 8), photo.shape)
        noisy = np.asarray(picture) + noise
        picture = PIL.fromarray(np.clip(noisy, 0, 255).round().astype(np.uint8))
    if rng.random() < 0.4:
        packed = BytesIO()
        picture.save(packed, "JPEG", quality=int(rng.integers(30, 95)))
        picture = PIL.open(packed)
    return np.asarray(picture)


def batches(
    dataset: Dataset[Any], batch: int, *, start: int = 0, rank: int = 0, world: int = 1, workers: int = 2
) -> Iterator[list[Tensor]]:
    """Endless batches from picture number `start`; of every `batch * world`, a rank takes its own part."""
    return iter(
        DataLoader(
            dataset,
            batch_sampler=_Count(start, batch, rank, world),
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=workers > 0,
        )
    )


class _Count:
    """Batches of consecutive numbers for ever."""

    def __init__(self, start: int, batch: int, rank: int, world: int) -> None:
        self.first, self.batch, self.stride = start + rank * batch, batch, batch * world

    def __iter__(self) -> Iterator[list[int]]:
        first = self.first
        while True:
            yield list(range(first, first + self.batch))
            first += self.stride
