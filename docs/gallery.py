"""Makes the pictures of docs/gallery.md and the previews of the built-in styles.

    python docs/gallery.py

The photos are those of the demo. They come with scikit-image. docs/gallery.md credits them.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from importlib.resources import files
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from cartoonize import load
from cartoonize.core.draw_size import draw_picture, resize
from cartoonize.core.frames import Backend
from cartoonize.styles import DEFAULT, builtin_styles
from cartoonize.tools.demo import SHOT, render_frames

PHOTOS = {
    "astronaut": ("astronaut.png", 1.0),
    "coffee": ("coffee.png", 1.0),
    "cat": ("chelsea.png", 1.0),
    "rocket": ("rocket.jpg", 1.0),
}
OUT = Path(__file__).parent / "images"
GAP = 6  # white pixels between pictures
FRAMES = 12


def main() -> None:
    """Make all pictures."""
    with ExitStack() as stack:
        backends = {name: stack.enter_context(load(name, device="cpu")) for name in builtin_styles()}
        for name, (file, scale) in PHOTOS.items():
            photo = read(file, scale)
            drawn = [draw_picture(backend, photo) for backend in backends.values()]
            save(grid([photo, *drawn], 2), OUT / f"gallery-{name}.webp")
        for name, backend in backends.items():
            preview(backend, Path(builtin_styles()[name]).with_suffix(".webp"))
        save(consecutive(backends[DEFAULT]), OUT / "gallery-frames.webp")
        save(details(backends[DEFAULT]), OUT / "detail.webp")
        astronaut = read("astronaut.png", 1.0)
        save(grid([astronaut, draw_picture(backends[DEFAULT], astronaut)], 2), OUT / "before-after.webp")


def read(file: str, scale: float) -> np.ndarray:
    """Return a photo of scikit-image as RGB."""
    with files("skimage").joinpath("data", file).open("rb") as file_object:
        photo = Image.open(file_object).convert("RGB")
    return np.array(photo.resize((round(photo.width * scale), round(photo.height * scale))))


def preview(backend: Backend, path: Path) -> None:
    """Save a face before and after, for the card of the style."""
    photo = read("astronaut.png", 1.0)
    face = np.s_[:256, 100:356]
    save(grid([photo[face], draw_picture(backend, photo)[face]], 2), path)


def consecutive(backend: Backend) -> np.ndarray:
    """Return drawings of consecutive frames of the demo's clip, from the middle of a camera move."""
    frames = [np.asarray(p) for p in islice(render_frames(), SHOT + 20, SHOT + 20 + FRAMES)]
    drawn = [draw_picture(backend, frame)[:300, 170:470] for frame in frames]
    return grid(drawn, 4)


def details(backend: Backend) -> np.ndarray:
    """Return one crop of a photo at 2160 and at 360 lines: the source, `full` and `normal`."""
    photo = read("astronaut.png", 1.0)
    rows = []
    for lines in (2160, 360):
        large = resize(photo, (lines, lines))
        drawn = [large, draw_picture(backend, large, "full"), draw_picture(backend, large)]
        crop = np.s_[: lines // 2, lines // 4 : lines * 3 // 4]
        rows += [resize(picture[crop], (400, 400)) for picture in drawn]
    return grid(rows, 3)


def grid(tiles: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Arrange pictures of one size in rows, on white."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    size = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3)
    sheet = np.full(size, 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def save(picture: np.ndarray, path: Path) -> None:
    """Save a WebP that is small enough for a repository."""
    Image.fromarray(picture).save(path, quality=88, method=6)


if __name__ == "__main__":
    main()
