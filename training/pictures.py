"""Lists, reads and writes pictures."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from ..core.atomic import AtomicFile
from ..core.errors import MediaError, TrainingError
from ..core.frames import Image
from ..media import PICTURE_SUFFIXES
from ..media.pictures.hdr_picture import tone_map_picture
from ..media.pictures.picture import PILLOW_ERRORS, open_picture
from ..media.pictures.picture_colour import convert_to_rgb, reduce_to_8_bits, split_alpha

Item = TypeVar("Item")

DAMAGE = (*PILLOW_ERRORS, MediaError)  # of `open_picture` and Pillow, depending on the format


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


def save_png(picture: Image, path: Path) -> None:
    """Replace a file that a training reads later, for which speed matters more than size; make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with AtomicFile(path, overwrite=True) as pending:
        Pillow.fromarray(picture).save(pending.path, compress_level=1)


def count_of_size(folder: Path, size: int) -> int:
    """The number of readable pictures below a folder that are at least `size` pixels wide and high."""
    return sum(min(read_size(path)) >= size for path in list_pictures(folder))


def read_size(path: Path) -> tuple[int, int]:
    """Width and height, from the header, which is fast; 0 if that is damaged."""
    try:
        with open_picture(path) as picture:
            return picture.size
    except DAMAGE:
        return 0, 0


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
