"""Step: show the style in RUN/before-after.png, and in the preview RUN/style.webp."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from ...backends import load
from ...core.atomic import AtomicFile
from ...core.draw_size import draw_picture
from ...core.frames import Image
from ...core.sample_photos import open_photo
from ..pictures import list_pictures, read_rgb, sample_evenly
from .step import Display, Step
from .workspace import Workspace

SHEET = "before-after.png"
SHOWN = 4  # photos, each beside its drawing
CELL = (960, 720)  # the size of drawings
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
            photos = [_fit(read_rgb(path), CELL) for path in _choose_photos(workspace)]
            rows = [np.hstack([photo, draw_picture(backend, photo)]) for photo in photos]
            sheet = Pillow.fromarray(np.vstack(rows)).reduce(2)  # 7 MB at full size
            portrait = np.asarray(open_photo("astronaut.png"))
            halves = [portrait, draw_picture(backend, portrait)]
        small = [_fit(picture, (PREVIEW, PREVIEW)) for picture in halves]
        preview = np.hstack([small[0], np.full((PREVIEW, GAP, 3), WHITE, np.uint8), small[1]])
        path = workspace.folder / SHEET
        for target, picture in (
            (path, sheet),
            (workspace.style.with_suffix(".webp"), Pillow.fromarray(preview)),
        ):
            with AtomicFile(target, overwrite=True) as pending:
                picture.save(pending.path, quality=85)
        display.show_sheet(path)


def _choose_photos(workspace: Workspace) -> list[Path]:
    """Some of the larger held-back photos, evenly spread."""
    photos = list_pictures(workspace.held_back)
    by_size = sorted(photos, key=lambda path: (-path.stat().st_size, path))
    return sample_evenly(by_size[: max(SHOWN, len(by_size) // 4)], SHOWN)


def _fit(picture: Image, size: tuple[int, int]) -> Image:
    """The middle of a picture in this size."""
    return np.asarray(ImageOps.fit(Pillow.fromarray(picture), size, Pillow.Resampling.LANCZOS))
