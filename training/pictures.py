"""Folders of pictures: reading them, and drawing crops of which number i depends on the seed and i alone."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from ..core.errors import TrainingError
from ..core.frames import Image
from ..media import PICTURE_SUFFIXES

CACHE = 256 << 20  # bytes of decoded pictures that each loading process keeps of a folder in any case
FREE = 0.4  # share of the memory beyond which they are kept all the same
ATTEMPTS = 20  # pictures tried before a folder of damaged ones is given up

# What Pillow raises on damaged files, depending on the format.
_DAMAGE = (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError)


def list_pictures(folder: Path) -> list[Path]:
    """All pictures below a folder, by name; hidden files are left out.

    Raises:
        TrainingError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}.")
    found = sorted(path for path in folder.rglob("[!.]*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise TrainingError(f"There are no pictures in {folder} ({', '.join(sorted(PICTURE_SUFFIXES))}).")
    return found


def read_rgb(path: Path, short_side: int | None = None) -> Image:
    """A picture as (H, W, 3) uint8 RGB, upright; shrunk until its short side is at most `short_side`.

    Raises:
        TrainingError: it cannot be read.
    """
    try:
        with Pillow.open(path) as file:
            if short_side:  # JPEG can be decoded at a fraction of its size, in a fraction of the time
                file.draft("RGB", (short_side, short_side))
            picture = ImageOps.exif_transpose(file).convert("RGB")
    except _DAMAGE as error:
        raise TrainingError(f"Cannot read the picture {path}: {error}.") from error
    if short_side and min(picture.size) > short_side:
        factor = short_side / min(picture.size)
        size = round(picture.width * factor), round(picture.height * factor)
        picture = picture.resize(size, Pillow.Resampling.LANCZOS)
    return np.asarray(picture)


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of a picture, and whether it is mirrored."""

    path: Path
    top: int
    left: int
    size: int
    mirrored: bool

    def of(self, picture: Image) -> Image:
        """Cut the square out of the picture, or out of another version of it."""
        square = picture[self.top : self.top + self.size, self.left : self.left + self.size]
        return np.ascontiguousarray(square[:, ::-1] if self.mirrored else square)


class Pictures:
    """The pictures below a folder that are at least `size` pixels wide and high.

    Every epoch shows each of them once, in an order of its own. With `shrink`, larger pictures are shrunk
    to a short side of `shrink` pixels, so that a crop shows things and not only a texture.

    Raises:
        TrainingError: fewer than `least` pictures are large enough.
    """

    def __init__(
        self, folder: Path, size: int, seed: int, *, least: int = 1, shrink: int | None = None
    ) -> None:
        self.folder, self.size, self.seed, self.shrink = folder, size, seed, shrink
        listed = list_pictures(folder)
        self.paths = [path for path in listed if _short_side(path) >= size]
        self.left_out = len(listed) - len(self.paths)
        if len(self.paths) < least:
            raise TrainingError(
                f"{folder} holds {len(self.paths)} readable pictures of at least {size}x{size} pixels; "
                f"{least} are needed ({self.left_out} others are smaller or damaged)."
            )
        # Shared memory: loading processes mark what they could not read, the training process counts.
        self._damaged = torch.zeros(len(self.paths), dtype=torch.bool)
        self._damaged.share_memory_()  # type: ignore[no-untyped-call]
        self._cache: dict[Path, Image] = {}
        self._cached = 0

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def skipped(self) -> int:
        """How many pictures were not used: too small, or damaged as far as is known by now."""
        return self.left_out + int(self._damaged.sum())

    def draw(self, index: int, rng: np.random.Generator) -> tuple[Crop, Image]:
        """Crop number `index`, and the pixels (size, size, 3) of it; `rng` chooses where it lies.

        In place of a damaged picture `rng` chooses another.

        Raises:
            TrainingError: one picture after the other is damaged.
        """
        number = _order(len(self), self.seed, index // len(self))[index % len(self)]
        for _ in range(ATTEMPTS):
            try:
                crop = self._place(self.paths[number], rng)
                return crop, crop.of(self.read(crop.path))
            except TrainingError:
                self._damaged[number] = True
                number = rng.integers(len(self))
        raise TrainingError(f"{ATTEMPTS} pictures in a row of {self.folder} cannot be read.")

    def read(self, path: Path) -> Image:
        """The whole picture; decoding takes as long as a small network's step, so some are kept.

        Each is as likely to be asked for as the others: it does not matter which ones are kept.
        """
        if path in self._cache:
            return self._cache[path]
        picture = read_rgb(path, self.shrink)
        if self._cached + picture.nbytes <= CACHE or _memory_is_free():
            self._cache[path] = picture
            self._cached += picture.nbytes
        return picture

    def twin(self, crop: Crop, of: "Pictures") -> Image | None:
        """The same crop of the picture of the same name in this folder: another version of it.

        None if that is damaged, which is counted.

        Raises:
            TrainingError: there is none, or it is of another size.
        """
        path = self.folder / crop.path.relative_to(of.folder)
        if not path.exists():
            raise TrainingError(f"There is no {path} to go with {crop.path}.")
        try:
            picture = self.read(path)
        except TrainingError:
            if path in self.paths:  # others are counted from the start
                self._damaged[self.paths.index(path)] = True
            return None
        if picture.shape != of.read(crop.path).shape:
            raise TrainingError(f"{path} and {crop.path} should be of one size.")
        return crop.of(picture)

    def _place(self, path: Path, rng: np.random.Generator) -> Crop:
        height, width = self.read(path).shape[:2]
        top, left = (int(rng.integers(side - self.size + 1)) for side in (height, width))
        return Crop(path, top, left, self.size, bool(rng.random() < 0.5))


@lru_cache(maxsize=8)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The order of `count` pictures in an epoch; the current one and few others are kept."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def _memory_is_free() -> bool:
    """Whether more than FREE of the memory is unused, where the system tells."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") > FREE * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return False


def _short_side(path: Path) -> int:
    """From the header, which is fast; 0 if even that is damaged."""
    try:
        with Pillow.open(path) as picture:
            return min(picture.size)
    except _DAMAGE:
        return 0


def centre_square(picture: Image, size: int) -> Image:
    """The largest square about the centre, `size` pixels wide; shrinking averages, so nothing aliases."""
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    square = Pillow.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(square.resize((size, size), Pillow.Resampling.LANCZOS))


def sample(paths: Sequence[Path], count: int) -> list[Path]:
    """`count` paths, evenly spread: the same ones every time."""
    count = min(count, len(paths))
    return [paths[i * len(paths) // count] for i in range(count)]
