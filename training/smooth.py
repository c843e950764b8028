"""Edge-smoothed copies of drawings: cartoons without clear edges, fake to the discriminator."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from ..core.atomic import AtomicFile
from ..core.errors import TrainingError
from ..core.frames import Image
from ..core.opencv import load_opencv
from ..media.pictures.formats import write_picture
from .parallel import map_in_processes
from .pictures import check_outside, list_pictures, read_rgb

# Canny's thresholds on its 3x3 Sobel gradient, as in the study group's deck (recipes/deck.toml).
LOW, HIGH = 150, 500
KERNEL = 5  # of the dilation and of the Gaussian, in pixels


def smooth_edges(picture: Image) -> Image:
    """Blur (H, W, 3) uint8 within two pixels of its edges, and only there (Chen et al., CVPR 2018, 3.2)."""
    cv2 = load_opencv()
    edges = cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), LOW, HIGH)
    region = cv2.dilate(edges, np.ones((KERNEL, KERNEL), np.uint8))
    blurred = cv2.GaussianBlur(picture, (KERNEL, KERNEL), 0)  # sigma 1.1, OpenCV's for that size
    return np.where(region[:, :, None] > 0, blurred, picture)


def smooth_folder(frames: Path, out: Path, workers: int | None = None) -> Iterator[bool]:
    """Write a smoothed copy of every picture under its own name; yields whether each could be read.

    Existing copies are kept, so that the same call resumes.

    Raises:
        TrainingError: there are no pictures, `out` lies in `frames`, or the disk cannot be written.
    """
    paths = list_pictures(frames)
    check_outside(out, [frames])
    yield from map_in_processes(partial(_smooth_file, frames=frames, out=out), paths, workers)


def _smooth_file(path: Path, frames: Path, out: Path) -> bool:
    copy = out / path.relative_to(frames)
    if copy.exists():
        return True
    try:
        picture = read_rgb(path)
    except TrainingError:
        return False
    copy.parent.mkdir(parents=True, exist_ok=True)
    file = AtomicFile(copy, overwrite=True)
    write_picture(Pillow.fromarray(smooth_edges(picture)), file, lossless=True)
    file.commit()
    return True
