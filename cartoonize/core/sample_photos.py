"""The photos that come with scikit-image, for the demo, examples and checks. Nothing is downloaded."""

from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

from .errors import MediaError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture


def read_photo(name: str) -> bytes:
    """Return a photo file, such as "astronaut.png".

    Raises:
        MediaError: scikit-image was installed without it.
    """
    try:
        return (files("skimage") / "data" / name).read_bytes()
    except OSError as error:
        raise MediaError(f"scikit-image lacks its photo {name}; reinstall it from PyPI.") from error


def open_photo(name: str) -> "Picture":
    """Return a photo as an RGB picture.

    Raises:
        MediaError: as `read_photo`.
    """
    from PIL import Image as Pillow

    return Pillow.open(BytesIO(read_photo(name))).convert("RGB")
