"""Step: show the style in RUN/before-after.png, and in the preview RUN/style.webp."""

from importlib.resources import files

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from ...backends import load
from ...core.atomic import AtomicFile
from ...core.draw_size import draw_picture
from ...core.frames import Image
from ..pictures import list_pictures, read_rgb, sample_evenly
from .step import Display, Step
from .workspace import Workspace

SHEET = "before-after.png"
SHOWN, COLUMNS, CELL = 6, 2, (480, 360)  # photos, each beside its drawing; pixels
PREVIEW, GAP = 256, 6  # pixels, as in the previews of the built-in styles
WHITE = 255


class ShowStyle(Step):
    """Draw some held-back photos."""

    name, title = "pictures", "Drawing the pictures to show"

    def estimate(self, workspace: Workspace) -> float:  # noqa: ARG002  # a few drawings
        """A few drawings."""
        return 5.0

    def run(self, workspace: Workspace, display: Display) -> None:
        """Write both pictures."""
        with load(str(workspace.style), device=workspace.options.device) as backend:
            rows: list[list[Image]] = [[]]
            for path in sample_evenly(list_pictures(workspace.held_back), SHOWN):
                if len(rows[-1]) == 2 * COLUMNS:
                    rows.append([])
                photo = _fit(read_rgb(path), CELL)
                rows[-1] += [photo, draw_picture(backend, photo)]
            rows[-1] += [np.full_like(rows[0][0], WHITE)] * (2 * COLUMNS - len(rows[-1]))
            sheet = np.vstack([np.hstack(row) for row in rows])
            with files("skimage").joinpath("data", "astronaut.png").open("rb") as file:
                portrait = np.asarray(Pillow.open(file).convert("RGB"))
            halves = [portrait, draw_picture(backend, portrait)]
        small = [_fit(picture, (PREVIEW, PREVIEW)) for picture in halves]
        preview = np.hstack([small[0], np.full((PREVIEW, GAP, 3), WHITE, np.uint8), small[1]])
        path = workspace.folder / SHEET
        for target, picture in ((path, sheet), (workspace.style.with_suffix(".webp"), preview)):
            with AtomicFile(target, overwrite=True) as pending:
                Pillow.fromarray(picture).save(pending.path, quality=85)
        display.show_sheet(path)


def _fit(picture: Image, size: tuple[int, int]) -> Image:
    """The middle of a picture in this size."""
    return np.asarray(ImageOps.fit(Pillow.fromarray(picture), size, Pillow.Resampling.LANCZOS))
