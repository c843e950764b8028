"""Folders of pictures, and random crops: crop number i depends on the seed and i only."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from ..core.control_groups import unused_memory
from ..core.errors import MediaError, TrainingError
from ..core.frames import Image
from ..media import PICTURE_SUFFIXES
from ..media.pictures.hdr_picture import tone_map_picture
from ..media.pictures.picture import PILLOW_ERRORS, open_picture
from ..media.pictures.picture_colour import convert_to_rgb, reduce_to_8_bits, split_alpha

CACHE = 256 << 20  # bytes of decoded pictures that each loading process always keeps of a folder
FREE = 0.4  # share of unused memory above which it keeps more
ATTEMPTS = 20  # damaged pictures in a row after which a folder is refused

Item = TypeVar("Item")

DAMAGE = (*PILLOW_ERRORS, MediaError)
"""The exceptions of `open_picture` and Pillow for damaged files, depending on the format."""


def list_pictures(folder: Path) -> list[Path]:
    """All pictures below a folder, sorted by name, without hidden files.

    Raises:
        TrainingError: there is no such folder, it is a file, or it holds no picture.
    """
    if folder.is_file():
        raise TrainingError(f"{folder} is a file; name the folder that holds the pictures.")
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}.")
    pictures = list_files(folder, PICTURE_SUFFIXES)
    if not pictures:
        raise TrainingError(f"There are no pictures in {folder} ({', '.join(sorted(PICTURE_SUFFIXES))}).")
    return pictures


def check_outside(out: Path, folders: Iterable[Path]) -> None:
    """Check that what is written does not become what is read, by the next run of the same command.

    Raises:
        TrainingError: `out` is one of the folders, or is in one.
    """
    for folder in folders:
        if out.resolve().is_relative_to(folder.resolve()):
            raise TrainingError(f"{out} is in {folder}, whose pictures are read: name another folder.")


def list_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files below a folder that have one of the lower-case suffixes, sorted; none without the folder.

    Hidden files are left out, and those in hidden folders. A link to a missing file is listed, and counts as
    damaged. Pipes and devices are left out, because reading one could wait forever.
    """
    named = (path for path in folder.rglob("[!.]*") if path.suffix.lower() in suffixes)
    paths = (path for path in named if not any(part[0] == "." for part in path.relative_to(folder).parts))
    return sorted(path for path in paths if path.is_file() or not path.exists())


def read_rgb(path: Path, short_side: int | None = None) -> Image:
    """A picture as (H, W, 3) uint8 RGB, upright, shrunk to a short side of at most `short_side`.

    Its colours are those that the network sees when it draws the picture: of scans with 16 bits, of HDR
    pictures and of CMYK too.

    Raises:
        TrainingError: the file cannot be read.
    """
    try:
        with open_picture(path) as file:
            if short_side:  # JPEG can be decoded at a fraction of its size, in a fraction of the time
                file.draft(None, (short_side, short_side))
            upright = ImageOps.exif_transpose(tone_map_picture(path, file, []))
            colours, _ = split_alpha(reduce_to_8_bits(upright, path, []))
            picture, _ = convert_to_rgb(colours, upright.info.get("icc_profile"), path, [])
    except MediaError as error:
        raise TrainingError(str(error)) from error
    except DAMAGE as error:
        raise TrainingError(f"Cannot read the picture {path}: {error}.") from error
    if short_side and min(picture.size) > short_side:
        factor = short_side / min(picture.size)
        size = round(picture.width * factor), round(picture.height * factor)
        picture = picture.resize(size, Pillow.Resampling.LANCZOS)
    return np.asarray(picture)


def count_of_size(folder: Path, size: int) -> int:
    """The number of readable pictures below a folder that are at least `size` pixels wide and high."""
    return sum(_short_side(path) >= size for path in list_pictures(folder))


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
        self.paths = [path for path in listed if _short_side(path) >= size]
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


def _short_side(path: Path) -> int:
    """The short side in pixels, from the header, which is fast; 0 if that is damaged."""
    try:
        with open_picture(path) as picture:
            return min(picture.size)
    except DAMAGE:
        return 0


def centre_square(picture: Image, size: int) -> Image:
    """The largest square about the centre, resized to `size` pixels without aliasing."""
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    square = Pillow.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(square.resize((size, size), Pillow.Resampling.LANCZOS))


def sample_evenly(items: Sequence[Item], count: int) -> list[Item]:
    """`count` of the items, evenly spread: the same ones in every call."""
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]
