"""Reading one picture file: its colours in 8-bit RGB, and the rest of what belongs to it.

A picture is more than its colours: there are EXIF data, a colour profile, transparency, a resolution. The
networks see RGB only, so the rest is set aside in `Details`. XMP and IPTC are not read, nor are embedded
previews, which would show the photo in place of the cartoon.
"""

import contextlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, ImageCms, ImageOps, UnidentifiedImageError
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from ...core.errors import MediaError
from ..decoding import fitted, smaller

MAX_PIXELS = 256_000_000
"""Larger pictures are refused by their header: a small file can claim to be of any size."""

# What Pillow's readers raise on damaged files, found by damaging files.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, RuntimeError, struct.error,
    Pillow.DecompressionBombError,
)  # fmt: skip
_MAX_DPI = 65536  # JPEG's limit, and more than any printer has
_ABOUT_THE_PHOTO = {
    ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software,
    ExifTags.Base.DateTime, ExifTags.Base.Artist, ExifTags.Base.Copyright,
    ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo,
}  # fmt: skip

_BITS, _WHITE, _PLANES = (
    ExifTags.Base.BitsPerSample, ExifTags.Base.PhotometricInterpretation, ExifTags.Base.PlanarConfiguration,
)  # fmt: skip

_limit_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Details:
    """What belongs to a picture beside its RGB values.

    `exif`: as it stands in a file, without orientation, which has been applied; empty if there is none.
    `profile`: the ICC profile that describes the RGB values, or None for sRGB. `alpha`: a grey picture of
    the same size, or None if it is opaque. `dpi`: across and down, or None.
    """

    exif: bytes = b""
    profile: bytes | None = None
    alpha: Picture | None = None
    dpi: tuple[float, float] | None = None


def read_picture(
    path: Path, notices: list[str], max_pixels: int | None = None, max_size: int | None = None
) -> tuple[Picture, Details]:
    """Read the first picture of a file, in RGB and upright, and what belongs to it.

    `notices` gets a sentence for each thing that could not be read as it was meant. Pictures that are longer
    than `max_size` pixels are made smaller.

    Raises:
        MediaError: the file is missing, damaged or no picture, or it has more than `max_pixels` pixels, which
            are `MAX_PIXELS` unless told otherwise.
    """
    limit = max_pixels or MAX_PIXELS
    try:
        # The tiles of a damaged file can be larger than the picture: Pillow checks those as it decodes.
        with open_picture(path, limit) as picture, _pillow_limit(limit):
            count = getattr(picture, "n_frames", 1)
            if count > 1:
                notices.append(f"{path} holds {count} pictures; only the first is used.")
            ImageOps.exif_transpose(picture, in_place=True)
            exif, dpi = _exif(picture, path, notices), _dpi(picture)
            colours, alpha = _split(_eight_bit(picture, path, notices))
            rgb, profile = _in_rgb(colours, picture.info.get("icc_profile"), path, notices)
    except DAMAGE as error:
        raise MediaError(f"Cannot read {path}: {_reason(error, path)}.") from error
    size = fitted(*rgb.size, max_size)
    if size != rgb.size:
        notices.append(smaller(path.name, rgb.size, size))
        rgb, alpha = reduced(rgb, size), alpha and reduced(alpha, size)
    return rgb, Details(exif, profile, alpha, dpi)


def reduced(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture made smaller."""
    return picture.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)


def open_picture(path: Path, limit: int = MAX_PIXELS) -> Picture:
    """Read the header, and refuse what is too large to go on.

    Raises:
        MediaError: the picture has more than `limit` pixels. What Pillow raises is not caught.
    """
    with _pillow_limit(None):
        picture = Pillow.open(path)
    try:
        check_size(path, *picture.size, limit)
    except MediaError:
        picture.close()
        raise
    return picture


def check_size(path: object, width: int, height: int, limit: int) -> None:
    """Refuse what would not fit in the memory, by its header.

    Raises:
        MediaError: there are more than `limit` pixels.
    """
    if width * height > limit:
        raise MediaError(
            f"{path} has {width}x{height} pixels, more than the {limit / 1_000_000:.3g} million that are "
            "accepted; make it smaller first, or raise --max-pixels."
        )


@contextlib.contextmanager
def _pillow_limit(pixels: int | None) -> Iterator[None]:
    """Replace Pillow's own limit, a global, which warns of pictures from 89 megapixels on."""
    with _limit_lock:
        theirs, Pillow.MAX_IMAGE_PIXELS = Pillow.MAX_IMAGE_PIXELS, pixels
        try:
            yield
        finally:
            Pillow.MAX_IMAGE_PIXELS = theirs


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if path.stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "it is no picture of a kind that can be read, or it is damaged"
    return "the file is damaged or incomplete"


def _exif(picture: Picture, path: Path, notices: list[str]) -> bytes:
    exif = picture.getexif()
    # In a TIFF file the tags about the photo stand among those that tell how it is stored.
    dropped = set(exif) - _ABOUT_THE_PHOTO if picture.format == "TIFF" else {ExifTags.Base.Orientation}
    for tag in dropped.intersection(exif):
        del exif[tag]
    try:
        return exif.tobytes() if len(exif) else b""
    except DAMAGE:  # some cameras write tags of the wrong type, which is no reason to refuse a photo
        notices.append(f"The EXIF data of {path} are damaged and left out.")
        return b""


def _dpi(picture: Picture) -> tuple[float, float] | None:
    across, down = (float(value) for value in picture.info.get("dpi", (0, 0)))
    return (across, down) if 0 < across < _MAX_DPI and 0 < down < _MAX_DPI else None


def _eight_bit(picture: Picture, path: Path, notices: list[str]) -> Picture:
    """Scale grey values of more bits, which Pillow would clip. Deep colours it reads as 8 bits itself."""
    tags = getattr(picture, "tag_v2", {})  # of a TIFF file
    if tags.get(_PLANES) == 2 and max(tags.get(_BITS, (8,))) == 16:  # Pillow reads these as noise
        raise MediaError(
            f"Cannot read {path}: its 16-bit colours lie in planes; save it with 8 bits, or as PNG."
        )
    if picture.mode.startswith("I;16"):
        high = (np.asarray(picture) >> 8).astype(np.uint8)
        # Values may count down from white, which Pillow heeds in 8 bits only.
        return Pillow.fromarray(255 - high if tags.get(_WHITE) == 0 else high)
    if picture.mode not in ("I", "F"):
        return picture
    notices.append(f"{path} does not say which value is white; its values are spread from black to white.")
    values = np.nan_to_num(np.asarray(picture, np.float32), posinf=0, neginf=0)
    low, high = values.min(), values.max()
    return Pillow.fromarray(((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8))


def _split(picture: Picture) -> tuple[Picture, Picture | None]:
    """Separate the picture, as L, CMYK or RGB, from its transparency, if it has any."""
    mode = "L" if picture.mode in ("1", "L", "LA", "La") else "CMYK" if picture.mode == "CMYK" else "RGB"
    if not picture.has_transparency_data:
        return picture.convert(mode), None
    whole = picture.convert("LA" if mode == "L" else "RGBA")
    alpha = whole.getchannel("A")
    return whole.convert(mode), None if alpha.getextrema() == (255, 255) else alpha


def _in_rgb(
    picture: Picture, profile: bytes | None, path: Path, notices: list[str]
) -> tuple[Picture, bytes | None]:
    """Convert to RGB; also gives the profile that describes the result, which is none for sRGB.

    A profile about RGB stays with the values. One about grey or CMYK is used up by turning them into sRGB.
    """
    space = profile[16:20] if profile else None
    if space == b"RGB " and picture.mode != "CMYK":
        return picture.convert("RGB"), profile
    if profile and space == {"L": b"GRAY", "CMYK": b"CMYK"}.get(picture.mode):
        with contextlib.suppress(ImageCms.PyCMSError):
            srgb = ImageCms.createProfile("sRGB")
            to_srgb = ImageCms.buildTransform(BytesIO(profile), srgb, picture.mode, "RGB")
            return to_srgb.apply(picture), None
    if profile:
        notices.append(f"The colour profile of {path} does not fit the picture and is left out.")
    return picture.convert("RGB"), None
