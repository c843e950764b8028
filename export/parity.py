"""Whether an exported network draws what PyTorch draws, on photos, in batches, at several sizes."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from torch import nn

from ..core.errors import ModelError
from ..core.frames import Backend, Image, Images

# Odd sides, and some that are smaller than any stride, which padding has to mend.
SHAPES = ((1, 256, 320), (3, 97, 131), (2, 64, 48), (1, 33, 65), (2, 5, 7))
PHOTOS = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")  # they come with scikit-image
SHARE = 99.9  # percentile of all values
LIMITS = {"fp32": (1, 1), "fp16": (255, 2), "bf16": (255, 2), "int8": (255, 24)}
"""Grey levels that the largest difference, and the one at that percentile, may have.

In float32 a value between two levels may be rounded either way; in 8-bit integers edges come out otherwise,
by at most a tenth of what lies between black and white.
"""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far two runtimes are apart on the same pictures, in grey levels of 0 to 255.

    `largest` is the greatest difference, `where` it is, and `usual` the 99.9th percentile; see LIMITS.
    """

    pictures: int
    largest: int
    usual: float
    where: str

    def __str__(self) -> str:
        differs = f", {self.where}" if self.largest else ""
        return (
            f"{self.pictures} pictures drawn as PyTorch draws them: the largest difference is {self.largest} "
            f"of 255 grey levels{differs}; {SHARE} % of all values are within {self.usual:g}."
        )


def pictures(size: tuple[int, int] | None, batch: int | None) -> Iterator[Images]:
    """Batches of photos in several sizes; of one size, or number, if the network takes no other."""
    shapes = SHAPES if size is None else ((1, size[1], size[0]), (2, size[1], size[0]))
    photos = [_photo(name) for name in PHOTOS]
    # What differs in the count alone is one shape where the count is given.
    for number, (count, height, width) in enumerate(dict.fromkeys((batch or n, h, w) for n, h, w in shapes)):
        chosen = [photos[(number + i) % len(photos)] for i in range(count)]
        yield np.stack([_cut(photo, height, width) for photo in chosen])


def compare(
    model: nn.Module,
    draw: Backend,
    batches: Iterable[Images],
    *,
    precision: str,
    name: Path,
    contrast: float = 1.0,
) -> Parity:
    """Draw the same pictures by PyTorch in float32 on the CPU, and by what was exported.

    Args:
        model: the network in PyTorch.
        draw: the exported network.
        batches: pictures, (N, H, W, 3) uint8.
        precision: what it computes in.
        name: what the file will be called, for messages.
        contrast: by how much differences grow behind the network, where drawings are enlarged.

    Raises:
        ModelError: they differ by more than `Parity` allows; says by how much, and where.
    """
    with torch.inference_mode():
        result = parity([(model(torch.from_numpy(images)).numpy(), draw(images)) for images in batches])
    largest, usual = (math.ceil(contrast * limit) for limit in LIMITS[precision])
    if result.largest > largest or result.usual > usual:
        raise ModelError(
            f"{name} was not written: it does not draw what PyTorch draws. The largest difference is "
            f"{result.largest} of 255 grey levels, {result.where}; {SHARE} % of all values are within "
            f"{result.usual:g}."
        )
    return result


def parity(pairs: Sequence[tuple[Images, Images]]) -> Parity:
    """Compare pairs of equal pictures, each (N, H, W, 3) uint8."""
    apart = [np.abs(ours.astype(np.int16) - theirs) for ours, theirs in pairs]
    worst = max(apart, key=np.max)
    number, row, column, channel = np.unravel_index(np.argmax(worst), worst.shape)
    _, height, width, _ = worst.shape
    return Parity(
        pictures=sum(len(some) for some in apart),
        largest=int(worst.max()),
        usual=float(np.percentile(np.concatenate([some.ravel() for some in apart]), SHARE)),
        where=f"at row {row}, column {column}, {'RGB'[channel]} of picture {number + 1} of {width}x{height}",
    )


def _photo(name: str) -> Image:
    with Pillow.open(str(files("skimage") / "data" / name)) as picture:
        return np.asarray(picture.convert("RGB"))


def _cut(photo: Image, height: int, width: int) -> Image:
    """The middle of a photo, repeated as a mirror where it is too small."""
    short = [max(0, wanted - side) for wanted, side in zip((height, width), photo.shape, strict=False)]
    whole = np.pad(photo, [(0, short[0]), (0, short[1]), (0, 0)], mode="symmetric")
    top, left = ((side - wanted) // 2 for side, wanted in zip(whole.shape, (height, width), strict=False))
    return whole[top : top + height, left : left + width]
