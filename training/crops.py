"""Random crops of the pictures in a folder: crop number i depends on the seed and i only."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.control_groups import unused_memory
from ..core.errors import TrainingError
from ..core.frames import Image
from .pictures import list_pictures, read_rgb, read_size

CACHE = 256 << 20  # bytes of decoded pictures that each loading process always keeps of a folder
FREE = 0.4  # share of unused memory above which it keeps more
ATTEMPTS = 20  # damaged pictures in a row after which a folder is refused


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of a picture, and whether it is mirrored."""

    path: Path
    top: int
    left: int
    size: int
    mirrored: bool

    def cut(self, picture: Image) -> Image:
        """Cut the square out of the picture, or another version of it."""
        square = picture[self.top : self.top + self.size, self.left : self.left + self.size]
        return np.ascontiguousarray(square[:, ::-1] if self.mirrored else square)


class Pictures:
    """The pictures below a folder that are at least `size` pixels wide and high.

    Every epoch shows each of them once, in its own order. With `shrink`, larger pictures are shrunk to a
    short side of `shrink` pixels, so that a crop shows objects and not only a texture.

    Raises:
        TrainingError: fewer than `minimum` pictures are large enough.
    """

    def __init__(
        self, folder: Path, size: int, seed: int, *, minimum: int = 1, shrink: int | None = None
    ) -> None:
        self.folder, self.size, self.seed, self.shrink = folder, size, seed, shrink
        listed = list_pictures(folder)
        self.paths = [path for path in listed if min(read_size(path)) >= size]
        self.left_out = len(listed) - len(self.paths)
        if len(self.paths) < minimum:
            raise TrainingError(
                f"{folder} holds {len(self.paths)} readable pictures of at least {size}x{size} pixels; "
                f"{minimum} are needed ({self.left_out} others are smaller or damaged)."
            )
        # In shared memory: loading processes mark what they cannot read, the training process counts.
        self._damaged = torch.zeros(len(self.paths), dtype=torch.bool)
        self._damaged.share_memory_()  # type: ignore[no-untyped-call]
        self._cache: dict[Path, Image] = {}
        self._cached = 0

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def skipped(self) -> int:
        """The number of unused pictures: too small, or known to be damaged."""
        return self.left_out + int(self._damaged.sum())

    def sample(self, index: int, rng: np.random.Generator) -> tuple[Crop, Image]:
        """Crop number `index` and its pixels (size, size, 3); `rng` chooses its place.

        `rng` chooses another picture in place of a damaged one.

        Raises:
            TrainingError: ATTEMPTS pictures in a row are damaged.
        """
        number = _order(len(self), self.seed, index // len(self))[index % len(self)]
        for _ in range(ATTEMPTS):
            try:
                crop = self._choose_crop(self.paths[number], rng)
                return crop, crop.cut(self.read(crop.path))
            except TrainingError:
                self._damaged[number] = True
                number = rng.integers(len(self))
        raise TrainingError(f"{ATTEMPTS} pictures in a row of {self.folder} cannot be read.")

    def read(self, path: Path) -> Image:
        """The whole picture. Decoding takes as long as a step of a small network, so some are cached.

        Every picture is equally likely to be read next: it does not matter which ones are cached.
        """
        if path in self._cache:
            return self._cache[path]
        picture = read_rgb(path, self.shrink)
        if self._cached + picture.nbytes <= CACHE or _has_free_memory():
            self._cache[path] = picture
            self._cached += picture.nbytes
        return picture

    def cut_version(self, crop: Crop, of: "Pictures") -> Image | None:
        """Cut a crop of another folder's picture out of this folder's version, which has the same name.

        None if the version is damaged; `skipped` then counts it.

        Raises:
            TrainingError: there is no version, or it has another size.
        """
        path = self.folder / crop.path.relative_to(of.folder)
        if not path.exists():
            raise TrainingError(
                f"There is no {path} to go with {crop.path}: run the command again that wrote {self.folder}."
            )
        try:
            picture = self.read(path)
        except TrainingError:
            if path in self.paths:  # `left_out` counts the others
                self._damaged[self.paths.index(path)] = True
            return None
        if picture.shape != of.read(crop.path).shape:
            raise TrainingError(f"{path} and {crop.path} must have the same size.")
        return crop.cut(picture)

    def _choose_crop(self, path: Path, rng: np.random.Generator) -> Crop:
        height, width = self.read(path).shape[:2]
        top, left = (int(rng.integers(side - self.size + 1)) for side in (height, width))
        return Crop(path, top, left, self.size, bool(rng.random() < 0.5))


@lru_cache(maxsize=8)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The order of `count` pictures in an epoch; the last few are cached."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def _has_free_memory() -> bool:
    """Whether more than FREE of the memory is unused, of the machine and of a container with a limit.

    False on systems that do not say.
    """
    try:
        unused = os.sysconf("SC_AVPHYS_PAGES") / os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return False
    return min(unused, *unused_memory(), 1.0) > FREE
