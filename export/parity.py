"""Compares an exported network with PyTorch, on photos, in batches, at several sizes."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..core.errors import ModelError
from ..core.frames import Backend, Image, Images
from ..core.sample_photos import open_photo

# Pictures, height and width; odd sides, and some that are smaller than any stride and have to be padded.
SHAPES = ((1, 256, 320), (3, 97, 131), (2, 64, 48), (1, 33, 65), (2, 5, 7))
PHOTOS = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")
SHARE = 99.9  # percentile of all values
LIMITS = {"fp32": (1, 1), "fp16": (255, 2), "bf16": (255, 2), "int8": (255, 24)}
"""Limits of the largest difference and of the one at that percentile, in grey levels.

In float32 a value between two levels may be rounded either way. In 8-bit integers edges differ, by at most a
tenth of the range from black to white.
"""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far two runtimes are apart on the same pictures, in grey levels of 0 to 255.

    Attributes:
        pictures: how many were compared.
        largest: the largest difference.
        percentile: the 99.9th percentile of all differences; see LIMITS.
        location: where the largest difference is, in words.
    """

    pictures: int
    largest: int
    percentile: float
    location: str

    def __str__(self) -> str:
        location = f", {self.location}" if self.largest else ""
        return (
            f"{self.pictures} pictures drawn as PyTorch draws them: the largest difference is {self.largest} "
            f"of 255 grey levels{location}; {SHARE} % of all values are within {self.percentile:g}."
        )


def pictures(size: tuple[int, int] | None, batch: int | None) -> Iterator[Images]:
    """Yield batches of photos in several sizes; in one size or number only, if the network takes no other."""
    shapes = SHAPES if size is None else ((1, size[1], size[0]), (2, size[1], size[0]))
    photos = [np.asarray(open_photo(name)) for name in PHOTOS]
    # Where the number is fixed, shapes that differ in it alone are the same.
    for number, (count, height, width) in enumerate(dict.fromkeys((batch or n, h, w) for n, h, w in shapes)):
        chosen = [photos[(number + i) % len(photos)] for i in range(count)]
        yield np.stack([_crop(photo, height, width) for photo in chosen])


def compare(
    model: nn.Module,
    backend: Backend,
    batches: Iterable[Images],
    *,
    precision: str,
    name: Path,
    contrast: float = 1.0,
) -> Parity:
    """Draw the same pictures with PyTorch in float32 on the CPU, and with what was exported.

    Args:
        model: the network in PyTorch.
        backend: the exported network.
        batches: pictures, (N, H, W, 3) uint8.
        precision: what it computes in.
        name: the name that the file will have, for messages.
        contrast: the factor by which differences grow after the network, where drawings are enlarged.

    Raises:
        ModelError: they differ by more than LIMITS; it says by how much, and where.
    """
    with torch.inference_mode():
        result = measure_parity(
            [(model(torch.from_numpy(images)).numpy(), backend(images)) for images in batches]
        )
    largest, percentile = (math.ceil(contrast * limit) for limit in LIMITS[precision])
    if result.largest > largest or result.percentile > percentile:
        raise ModelError(
            f"{name} was not written: it does not draw what PyTorch draws. The largest difference is "
            f"{result.largest} of 255 grey levels, {result.location}; {SHARE} % of all values are within "
            f"{result.percentile:g}."
        )
    return result


def measure_parity(pairs: Sequence[tuple[Images, Images]]) -> Parity:
    """Compare pairs of drawings of the same pictures, each (N, H, W, 3) uint8."""
    differences = [np.abs(first.astype(np.int16) - second) for first, second in pairs]
    worst = max(differences, key=np.max)
    number, row, column, channel = np.unravel_index(np.argmax(worst), worst.shape)
    _, height, width, _ = worst.shape
    return Parity(
        pictures=sum(len(images) for images in differences),
        largest=int(worst.max()),
        percentile=float(np.percentile(np.concatenate([images.ravel() for images in differences]), SHARE)),
        location=f"at row {row}, column {column}, {'RGB'[channel]} of picture {number + 1} "
        f"of {width}x{height}",
    )


def _crop(photo: Image, height: int, width: int) -> Image:
    """Crop the middle of a photo, which is mirrored where it is too small."""
    missing = [max(0, target - side) for target, side in zip((height, width), photo.shape, strict=False)]
    padded = np.pad(photo, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="symmetric")
    top, left = ((side - target) // 2 for side, target in zip(padded.shape, (height, width), strict=False))
    return padded[top : top + height, left : left + width]
