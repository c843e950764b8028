"""Shows a measured look in one picture: drawings with marked lines, and photos redrawn beside drawings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from ...core.atomic import AtomicFile
from ...core.draw_size import NORMAL_LINES
from ...core.frames import Image
from ...core.opencv import load_opencv
from ..errors import disk_errors
from ..evaluation.figures import at_720_lines
from ..pictures import read_rgb, sample_evenly
from ..recipe import TargetLook
from ..targets.pairs import redraw
from .measure import PictureFigures

WIDTH = 1600  # pixels of the sheet
FRAMES, COLUMNS = 10, 5  # drawings with their lines marked, in rows of five
PHOTOS = 3  # rows, each with a photo, the redrawn photo, and a drawing
CELL_RATIO = 3 / 4  # height of a cell, relative to its width
MARK = np.array([255, 0, 80], np.uint8)  # colour of marked lines


def write_sheet(
    path: Path,
    drawings: Sequence[PictureFigures],
    look: TargetLook,
    photos: Sequence[Path] = (),
    *,
    overwrite: bool = False,
) -> None:
    """Write the sheet: ten drawings with their lines marked, three photos redrawn beside three drawings.

    Raises:
        CartoonizeError: a picture cannot be read, the file exists and may not be replaced, or the disk cannot
            be written.
    """
    rows = _rows([mark_lines(drawing) for drawing in sample_evenly(drawings, FRAMES)], COLUMNS)
    chosen = sample_evenly(photos, PHOTOS)
    for photo, figures in zip(chosen, sample_evenly(drawings, len(chosen)), strict=False):
        # At the size of drawings: in a smaller picture, texture would be coarser.
        picture = at_720_lines(read_rgb(photo))
        drawing = read_rgb(figures.path, NORMAL_LINES)
        rows += _rows([picture, redraw(picture, look), drawing], PHOTOS)
    with disk_errors(), AtomicFile(path, overwrite=overwrite) as pending:
        Pillow.fromarray(np.vstack(rows)).save(pending.path)


def mark_lines(figures: PictureFigures) -> Image:
    """Return a pale copy of a drawing, with the sampled pixels of its lines marked."""
    cv2 = load_opencv()
    picture = read_rgb(figures.path, NORMAL_LINES)
    thick = max(1, round(picture.shape[1] * COLUMNS / WIDTH))  # so that marks survive the reduction
    marks = cv2.dilate(figures.lines.centres.astype(np.uint8), np.ones((thick, thick), np.uint8)) > 0
    pale: NDArray[np.uint8] = (picture // 2 + 127).astype(np.uint8)
    pale[marks] = MARK
    return pale


def fit(picture: Image, width: int) -> Image:
    """Resize a picture to fit into a cell of `width`, in its own proportions."""
    scale = min(width / picture.shape[1], round(width * CELL_RATIO) / picture.shape[0])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(Pillow.fromarray(picture).resize(size, Pillow.Resampling.LANCZOS))


def _rows(pictures: Sequence[Image], columns: int) -> list[Image]:
    """Rows of `columns` cells, each with a picture on white."""
    width = WIDTH // columns
    cells = np.full(
        (-(-len(pictures) // columns) * columns, round(width * CELL_RATIO), width, 3), 255, np.uint8
    )
    for cell, picture in zip(cells, pictures, strict=False):
        fitted = fit(picture, width)
        top, left = ((cell.shape[axis] - fitted.shape[axis]) // 2 for axis in (0, 1))
        cell[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    rows = [np.hstack(list(cells[start : start + columns])) for start in range(0, len(cells), columns)]
    return [np.pad(row, ((0, 0), (0, WIDTH - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
