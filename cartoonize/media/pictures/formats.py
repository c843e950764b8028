"""Picture formats: how Pillow writes them, and what they can hold."""

import contextlib
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from PIL import features
from PIL.Image import Image as Picture

from ...core.atomic import AtomicFile
from ...core.errors import MediaError


@dataclass(frozen=True, slots=True)
class Format:
    """A picture format by Pillow's name, the options for writing it, and whether it holds alpha and
    metadata."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    alpha: bool = True
    metadata: bool = True


# 4:2:0 blurs colours at the contours of a cartoon, so JPEG and AVIF get full colour planes.
JPEG = Format("JPEG", {"quality": 95, "subsampling": "4:4:4"}, alpha=False)
_TIFF = Format("TIFF")  # uncompressed: into compressed files Pillow cannot write the parts of EXIF data
# The formats of pictures that are read and written, by lower-case suffix.
FORMATS = {
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".jpe": JPEG,
    ".jfif": JPEG,
    ".png": Format("PNG"),
    ".webp": Format("WEBP", {"quality": 90}),
    ".bmp": Format("BMP", alpha=False, metadata=False),
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
if find_spec("PIL._avif"):  # PIL.features.check warns where Pillow does not know AVIF
    FORMATS[".avif"] = Format("AVIF", {"quality": 90, "subsampling": "4:4:4"})
if features.check("jpg_2000"):
    FORMATS[".jp2"] = Format("JPEG2000", metadata=False)  # without loss, as is Pillow's default
with contextlib.suppress(ImportError):  # some systems have no wheel of it
    import pillow_heif

    pillow_heif.register_heif_opener()
    # In 4:2:0, the only sampling that phones decode.
    FORMATS.update(dict.fromkeys((".heic", ".heif"), Format("HEIF", {"quality": 90})))

PICTURE_SUFFIXES = frozenset(FORMATS)
"""The lower-case suffixes of pictures that are read and written. GIF is not one of them: it is video."""


def write_picture(picture: Picture, file: AtomicFile, **options: Any) -> None:
    """Write a picture in the format of its suffix; `options` extend those of the format.

    It is encoded in memory first, because Pillow hides the system's error when a disk is full.

    Raises:
        MediaError: the format cannot hold such a picture.
        WriteError: the system does not allow it, or the disk is full.
    """
    target_format, encoded = FORMATS[file.target.suffix.lower()], BytesIO()
    try:
        picture.save(encoded, target_format.name, **target_format.options, **options)
    except (OSError, ValueError, RuntimeError) as error:
        form = f"{target_format.name} of {picture.width}x{picture.height} pixels"
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"Cannot write {file.target} as {form}: {reason}.") from error
    file.write(encoded.getbuffer())


def suffix_list() -> str:
    """The suffixes of pictures, for messages."""
    return ", ".join(sorted(PICTURE_SUFFIXES))
