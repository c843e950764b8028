"""Writes pairs of photo and target to the disk, from which `cartoonize train distil` learns."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import torch
from PIL import Image as Pillow

from ...core.atomic import AtomicFile
from ...core.errors import TrainingError
from ...core.frames import Image
from ..errors import disk_errors
from ..parallel import map_in_processes
from ..pictures import check_outside, list_pictures, read_rgb, save_png
from ..recipe import TargetLook
from .cartoon_target import cartoon_target

MOST_PIXELS = 4_000_000  # of a redrawn photo: the filters take a kilobyte of memory for each


@dataclass(frozen=True, slots=True)
class Version:
    """A photo enlarged or reduced by `scale`, and the name of its pair: `name`-SCALE.png."""

    photo: Path
    name: str
    scale: float

    @property
    def file(self) -> str:
        """The name of both files of the pair, relative to their folders."""
        return f"{self.name}-{round(100 * self.scale)}.png"


def write_pairs(photos: Path, out: Path, look: TargetLook, workers: int | None = None) -> Iterator[bool]:
    """Write OUT/photo/NAME-SCALE.png and OUT/target/NAME-SCALE.png for every photo.

    NAME includes the photo's subfolder, and its suffix if two photos differ in nothing else. Yields for each
    photo whether it could be read.

    A photo is enlarged by each of the look's scales before it is redrawn. Lines keep their width in pixels
    while objects grow, so that the network suits small and large videos. Larger pairs than MOST_PIXELS are
    reduced to that; a photo's pairs that are the same then are written once. Existing pairs are kept, and
    OUT/look.json records their look.

    Raises:
        TrainingError: `photos` holds no pictures, `out` is within it or holds pairs of another look, or the
            disk cannot be written.
    """
    names = name_photos(photos, list_pictures(photos))
    check_outside(out, [photos])
    _record_look(out, look)
    groups = [[Version(path, name, scale) for scale in look.scales] for path, name in names.items()]
    yield from write_versions(groups, out, look, workers)


def write_versions(
    groups: Sequence[Sequence[Version]], out: Path, look: TargetLook, workers: int | None = None
) -> Iterator[bool]:
    """Write the pairs of each group, whose versions are of one photo; yields whether it could be read.

    Existing pairs are kept.

    Raises:
        TrainingError: the disk cannot be written.
    """
    with disk_errors():
        for folder in ("photo", "target"):
            (out / folder).mkdir(parents=True, exist_ok=True)
    yield from map_in_processes(partial(_write_group, out=out, look=look), groups, workers)


def name_photos(folder: Path, paths: Sequence[Path]) -> dict[Path, str]:
    """A name without suffix for each path below a folder; with it, where two differ in nothing else."""
    counts = Counter(path.with_suffix("") for path in paths)
    shown = {path: path if counts[path.with_suffix("")] > 1 else path.with_suffix("") for path in paths}
    return {path: str(name.relative_to(folder)) for path, name in shown.items()}


def _record_look(out: Path, look: TargetLook) -> None:
    record, content = out / "look.json", msgspec.json.format(msgspec.json.encode(look))
    if record.is_file():
        if record.read_bytes() != content:
            raise TrainingError(
                f"{out} holds targets of another look. Choose another folder, or delete this one."
            )
        return
    with disk_errors():
        out.mkdir(parents=True, exist_ok=True)
        with AtomicFile(record, overwrite=True) as pending:
            pending.path.write_bytes(content)


def _write_group(versions: Sequence[Version], out: Path, look: TargetLook) -> bool:
    """Write the pairs of a photo; false if the photo cannot be read."""
    missing = [version for version in versions if not (out / "target" / version.file).exists()]
    if not missing:
        return True
    try:
        source = Pillow.fromarray(read_rgb(missing[0].photo))
    except TrainingError:
        return False
    largest = math.sqrt(MOST_PIXELS / (source.width * source.height))
    sizes: dict[tuple[int, int], Version] = {}
    for version in versions:
        scale = min(version.scale, largest)
        size = max(1, round(source.width * scale)), max(1, round(source.height * scale))
        sizes.setdefault(size, version)
    for size, version in sizes.items():
        if version not in missing:
            continue
        photo = np.asarray(source.resize(size, Pillow.Resampling.BICUBIC))
        save_png(photo, out / "photo" / version.file)
        save_png(redraw(photo, look), out / "target" / version.file)
    return True


def redraw(photo: Image, look: TargetLook) -> Image:
    """`cartoon_target` for uint8 pictures."""
    x = torch.from_numpy(photo.copy()).permute(2, 0, 1).float() / 255
    y = (cartoon_target(x, look) * 255).round().byte()
    return y.permute(1, 2, 0).numpy()
