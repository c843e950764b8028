"""Writes pairs of photo and target to the disk, from which `cartoonize train distil` learns."""

from collections import Counter
from collections.abc import Iterator, Set
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow

from ..core.atomic import AtomicFile
from ..core.errors import TrainingError
from ..core.frames import Image
from .parallel import disk_errors, map_files
from .pictures import list_pictures, read_rgb
from .recipe import TargetLook
from .targets import cartoon_target


def write_pairs(photos: Path, out: Path, look: TargetLook, workers: int | None = None) -> Iterator[bool]:
    """Write OUT/photo/NAME-SCALE.png and OUT/target/NAME-SCALE.png for every photo.

    NAME includes the photo's subfolder, and its suffix if two photos differ in nothing else. Yields for each
    photo whether it could be read.

    A photo is enlarged by each of the look's scales before it is redrawn. Lines keep their width in pixels
    while objects grow, so that the network suits small and large videos. Existing pairs are kept.

    Raises:
        TrainingError: `photos` holds no pictures, or the disk cannot be written.
    """
    paths = list_pictures(photos)
    names = Counter(path.with_suffix("") for path in paths)
    ambiguous = {path for path in paths if names[path.with_suffix("")] > 1}
    with disk_errors():
        for folder in ("photo", "target"):
            (out / folder).mkdir(parents=True, exist_ok=True)
    write = partial(_write_pair, photos=photos, ambiguous=ambiguous, out=out, look=look)
    yield from map_files(write, paths, workers)


def _write_pair(path: Path, photos: Path, ambiguous: Set[Path], out: Path, look: TargetLook) -> bool:
    """Write the pairs of a photo, one for each scale; false if the photo cannot be read."""
    try:
        source = Pillow.fromarray(read_rgb(path))
    except TrainingError:
        return False
    stem = path.relative_to(photos).with_name(path.name if path in ambiguous else path.stem)
    for scale in look.scales:
        name = f"{stem}-{round(100 * scale)}.png"
        if (out / "target" / name).exists():
            continue
        size = round(source.width * scale), round(source.height * scale)
        photo = np.asarray(source.resize(size, Pillow.Resampling.BICUBIC))
        _save(photo, out / "photo" / name)
        _save(redraw(photo, look), out / "target" / name)
    return True


def redraw(photo: Image, look: TargetLook) -> Image:
    """`cartoon_target` for uint8 pictures."""
    x = torch.from_numpy(photo.copy()).permute(2, 0, 1).float() / 255
    y = (cartoon_target(x, look) * 255).round().byte()
    return y.permute(1, 2, 0).numpy()


def _save(picture: Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with AtomicFile(path, overwrite=True) as pending:
        Pillow.fromarray(picture).save(pending.path, compress_level=1)
