"""The data of the phases: endless batches in which item number i depends on the seed and i alone.

So a run can resume at any image, with any number of workers, and see the same data as an uninterrupted run.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from typing import Protocol, cast

import numpy as np
import torch
from PIL import Image as Pillow
from PIL import ImageFilter
from torch import Tensor
from torch.utils import data as torch_data

from ..core.errors import TrainingError
from ..core.frames import Image
from .crops import Pictures
from .distributed import ProcessGroup
from .smooth import smooth_edges

Item = dict[str, Tensor]


class Dataset(Protocol):
    """An endless dataset."""

    def __getitem__(self, index: int) -> Item:
        """Pictures by name, each (3, size, size) uint8."""
        ...

    @property
    def skipped(self) -> int:
        """The number of pictures that could not be used."""
        ...


class Photos:
    """Crops of photos: "photo". With `superpixels` also "flat", the same crop in flat patches."""

    def __init__(self, photos: Pictures, *, superpixels: bool = False) -> None:
        self.photos, self.superpixels = photos, superpixels

    def __getitem__(self, index: int) -> Item:
        """Photo number `index`."""
        _, photo = self.photos.sample(index, np.random.default_rng((self.photos.seed, index, 0)))
        item = {"photo": as_tensor(photo)}
        if self.superpixels:
            item["flat"] = as_tensor(flatten(photo))
        return item

    @property
    def skipped(self) -> int:
        """The number of photos that could not be used."""
        return self.photos.skipped


class PhotosAndDrawings:
    """Photos, with crops of drawings: "drawing", and the same with its edges blurred: "smoothed".

    `smoothed` is a folder of copies made by `cartoonize train smooth`. Without it, or if a copy is damaged,
    the crop is smoothed on the fly, in about a millisecond.
    """

    def __init__(self, photos: Photos, drawings: Pictures, smoothed: Pictures | None = None) -> None:
        self.photos, self.drawings, self.smoothed = photos, drawings, smoothed

    def __getitem__(self, index: int) -> Item:
        """Photo and drawing number `index`."""
        rng = np.random.default_rng((self.drawings.seed, index, 1))
        crop, drawing = self.drawings.sample(index, rng)
        copy = self.smoothed.cut_version(crop, self.drawings) if self.smoothed else None
        blurred = smooth_edges(drawing) if copy is None else copy
        return self.photos[index] | {"drawing": as_tensor(drawing), "smoothed": as_tensor(blurred)}

    @property
    def skipped(self) -> int:
        """The number of photos, drawings and smoothed copies that could not be used."""
        copies = self.smoothed.skipped if self.smoothed else 0
        return self.photos.skipped + self.drawings.skipped + copies


class Pairs:
    """Crops of photos with the same crops of their targets, "photo" and "target": files of the same names.

    With `drawings`, also a "drawing" by the artist, of another subject.

    The photo is degraded like real videos: sensor noise, a little blur, JPEG blocks. The target stays clean,
    which teaches the network a steady output for an unsteady input.
    """

    def __init__(self, photos: Pictures, targets: Pictures, drawings: Pictures | None = None) -> None:
        self.photos, self.targets, self.drawings = photos, targets, drawings

    def __getitem__(self, index: int) -> Item:
        """Pair number `index`, and a drawing if there are any."""
        rng = np.random.default_rng((self.photos.seed, index, 0))
        crop, photo = self.photos.sample(index, rng)
        target = self.targets.cut_version(crop, self.photos)
        if target is None:
            raise TrainingError(
                f"The target of {crop.path} cannot be read: delete it, and run `train targets` again."
            )
        item = {"photo": as_tensor(degrade(photo, rng)), "target": as_tensor(target)}
        if self.drawings:
            _, drawing = self.drawings.sample(index, np.random.default_rng((self.drawings.seed, index, 1)))
            item["drawing"] = as_tensor(drawing)
        return item

    @property
    def skipped(self) -> int:
        """The number of photos and drawings that could not be used."""
        return self.photos.skipped + (self.drawings.skipped if self.drawings else 0)


def as_tensor(picture: Image) -> Tensor:
    """(H, W, 3) -> (3, H, W), uint8."""
    return torch.from_numpy(picture.transpose(2, 0, 1).copy())


def flatten(photo: Image) -> Image:
    """Fill superpixels of a photo (SLIC, Achanta et al., 2012), 16 pixels wide, with their mean colours."""
    from skimage.color import label2rgb
    from skimage.segmentation import slic

    labels = slic(photo, n_segments=photo.shape[0] * photo.shape[1] // 256, start_label=1)
    return label2rgb(labels, photo, kind="avg", bg_label=0)  # type: ignore[no-any-return,no-untyped-call]


def degrade(photo: Image, rng: np.random.Generator) -> Image:
    """Degrade a photo as cameras and codecs do, each at random: blur, sensor noise, JPEG. Same shape."""
    picture = Pillow.fromarray(photo)
    if rng.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(1, 8), photo.shape)
        noisy = np.asarray(picture) + noise
        picture = Pillow.fromarray(np.clip(noisy, 0, 255).round().astype(np.uint8))
    if rng.random() < 0.4:
        packed = BytesIO()
        picture.save(packed, "JPEG", quality=int(rng.integers(30, 95)))
        picture = Pillow.open(packed)
    return np.asarray(picture)


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of `size` consecutive items; `workers` processes load this process's share of them.

    `is_pinned` puts them into pinned memory, from which a GPU copies while it computes.
    """

    dataset: Dataset
    size: int
    group: ProcessGroup = field(default_factory=ProcessGroup)
    workers: int = 0
    is_pinned: bool = False

    def start_at(self, image: int) -> Generator[Item]:
        """Endless batches, (share, 3, size, size) uint8 by name, from item number `image`.

        Closing the generator ends the loading processes.

        Raises:
            TrainingError: the batch cannot be shared equally, or data cannot be read.
        """
        loader = torch_data.DataLoader(
            cast("torch_data.Dataset[Item]", self.dataset),
            batch_sampler=_BatchIndices(image, self.size, self.group.rank, self.group.share(self.size)),
            num_workers=self.workers,
            pin_memory=self.is_pinned,
            # Forked children of a process that has used torch's threads can hang.
            multiprocessing_context="spawn" if self.workers else None,
        )
        try:
            yield from loader
        except TrainingError as error:  # a worker's error has its traceback before the message
            raise TrainingError(str(error).strip().rsplit("TrainingError: ", 1)[-1]) from error

    @property
    def skipped(self) -> int:
        """The number of pictures that could not be used."""
        return self.dataset.skipped


class _BatchIndices:
    """A process's share of the item numbers of each batch, endlessly."""

    def __init__(self, start: int, batch: int, rank: int, share: int) -> None:
        self.start, self.batch, self.rank, self.share = start, batch, rank, share

    def __iter__(self) -> Iterator[list[int]]:
        for first in count(self.start + self.rank * self.share, self.batch):
            yield list(range(first, first + self.share))
