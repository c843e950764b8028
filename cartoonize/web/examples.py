"""Photos to try the page with, from scikit-image, which is installed with cartoonize."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from PIL import Image as Pillow
from PIL.Image import Resampling

from ..core.errors import MediaError

_THUMBNAIL = 192  # pixels, for screens with two to a CSS pixel


@dataclass(frozen=True, slots=True)
class Example:
    """A photo: its file in scikit-image, what it shows, and whose it is."""

    file: str
    title: str
    credit: str


EXAMPLES = {
    "coffee": Example("coffee.png", "A cup of coffee", "Rachel Michetti, CC0"),
    "cat": Example("chelsea.png", "A cat", "Stefan van der Walt, CC0"),
    "astronaut": Example("astronaut.png", "An astronaut", "NASA, public domain"),
}


def write_example(name: str, folder: Path) -> Path:
    """Write a photo into a folder.

    Raises:
        MediaError: there is no such photo.
    """
    path = folder / f"{name}{Path(EXAMPLES[name].file).suffix}" if name in EXAMPLES else None
    if path is None:
        raise MediaError(f"There is no example {name[:80]!r}; the examples are {', '.join(EXAMPLES)}.")
    path.write_bytes(_read(name))
    return path


@cache
def example_thumbnail(name: str) -> bytes:
    """A small square WebP of a photo.

    Raises:
        MediaError: scikit-image was installed without its photos.
    """
    with Pillow.open(BytesIO(_read(name))) as picture:
        side = min(picture.size)
        left, top = ((length - side) // 2 for length in picture.size)
        square = picture.convert("RGB").crop((left, top, left + side, top + side))
    data = BytesIO()
    square.resize((_THUMBNAIL, _THUMBNAIL), Resampling.LANCZOS).save(data, "WEBP", quality=85)
    return data.getvalue()


def _read(name: str) -> bytes:
    try:
        return (files("skimage") / "data" / EXAMPLES[name].file).read_bytes()
    except OSError as error:
        raise MediaError("scikit-image was installed without its photos.") from error
