"""Photos to try the page with (see core/sample_photos.py)."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL.Image import Resampling

from ..core.errors import MediaError
from ..core.sample_photos import open_photo, read_photo

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
        MediaError: there is no such photo, or scikit-image was installed without it.
    """
    if name not in EXAMPLES:
        raise MediaError(f"There is no example {name[:80]!r}; the examples are {', '.join(EXAMPLES)}.")
    path = folder / f"{name}{Path(EXAMPLES[name].file).suffix}"
    path.write_bytes(read_photo(EXAMPLES[name].file))
    return path


@cache
def example_thumbnail(name: str) -> bytes:
    """A small square WebP of a photo.

    Raises:
        MediaError: scikit-image was installed without it.
    """
    picture = open_photo(EXAMPLES[name].file)
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    square = picture.crop((left, top, left + side, top + side))
    data = BytesIO()
    square.resize((_THUMBNAIL, _THUMBNAIL), Resampling.LANCZOS).save(data, "WEBP", quality=85)
    return data.getvalue()
