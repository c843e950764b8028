"""Photos -> pairs of photo and target on disk, by all cores; what `cartoonize train distil` learns from."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PIL

from ..frames import Image
from .data import list_pictures, read_rgb
from .targets import Look, cartoon_target


def draw_targets(
    photos: Path, out: Path, *, scales: Sequence[float], look: Look, workers: int
) -> Iterator[Path]:
    """Write OUT/photo/NAME-SCALE.png and OUT/target/NAME-SCALE.png for every photo; yields photos done.

    A photo is enlarged by each of `scales` before it is redrawn, so that lines keep their width in pixels
    while things grow: the network then suits small and large videos. What is there already is kept.

    Raises:
        TrainingError: there are no pictures in `photos`.
    """
    paths = list_pictures(photos)
    for folder in ("photo", "target"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    # Forked children of a process that has used torch's threads can hang: start fresh ones.
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        yield from pool.map(partial(_draw, out=out, scales=scales, look=look), paths)


def _draw(path: Path, out: Path, scales: Sequence[float], look: Look) -> Path:
    source = PIL.fromarray(read_rgb(path))
    for scale in scales:
        name = f"{path.stem}-{round(100 * scale)}.png"
        if (out / "target" / name).exists():
            continue
        size = round(source.width * scale), round(source.height * scale)
        photo = np.asarray(source.resize(size, PIL.Resampling.BICUBIC))
        _save(photo, out / "photo" / name)
        _save(redraw(photo, look), out / "target" / name)
    return path


def redraw(photo: Image, look: Look) -> Image:
    """`cartoon_target` on a uint8 picture."""
    x = torch.from_numpy(photo.copy()).permute(2, 0, 1).float() / 255
    y = (cartoon_target(x, look) * 255).round().byte()
    return y.permute(1, 2, 0).numpy()


def _save(picture: Image, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    PIL.fromarray(picture).save(temporary, "PNG", compress_level=1)
    temporary.replace(path)
