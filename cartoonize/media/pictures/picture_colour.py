"""The colours of a picture file as 8-bit RGB, and its alpha."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, ImageCms
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from ...core.errors import MediaError

_BITS, _WHITE, _PLANES = (
    ExifTags.Base.BitsPerSample, ExifTags.Base.PhotometricInterpretation, ExifTags.Base.PlanarConfiguration,
)  # fmt: skip
_COLOURS = np.stack(np.meshgrid(*3 * [np.linspace(0, 255, 5).astype(np.uint8)]), 2).reshape(1, -1, 3)
_FAR_FROM_SRGB = 25
"""The mean difference from sRGB, over `_COLOURS`, from which networks would see other colours than people
do. Profiles that cameras and screens use are nearer (Display P3 9, Adobe RGB 9, BT.2020 17, ProPhoto 21); one
for linear light has 33."""


def reduce_to_8_bits(picture: Picture, path: Path, notices: list[str]) -> Picture:
    """Scale grey values of more bits, which Pillow would clip. Deep colours Pillow reads as 8 bits itself.

    Raises:
        MediaError: it is a TIFF file with 16-bit colours in planes.
    """
    tags = getattr(picture, "tag_v2", {})  # of a TIFF file
    if tags.get(_PLANES) == 2 and max(tags.get(_BITS, (8,))) == 16:  # Pillow reads these as noise
        raise MediaError(
            f"Cannot read {path}: its 16-bit colours are stored in planes; save it with 8 bits, or as PNG."
        )
    if picture.mode.startswith("I;16") or (picture.format == "PPM" and picture.mode == "I"):
        bits = min(max(tags.get(_BITS, (16,))[0], 9), 16)  # of 12 bits Pillow sets the lower ones
        values = np.asarray(picture)
        high = np.minimum(values >> (bits - 8), 255).astype(np.uint8)
        # Values may count down from white, which Pillow respects in 8 bits only.
        grey = Pillow.fromarray(255 - high if tags.get(_WHITE) == 0 else high)
        transparent = picture.info.get("transparency")  # of PNG: one value
        if isinstance(transparent, int):
            grey.putalpha(Pillow.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
        return grey
    if picture.mode not in ("I", "F"):
        return picture
    notices.append(f"{path} does not say which value is white; its values are spread from black to white.")
    values = np.nan_to_num(np.asarray(picture, np.float32), posinf=0, neginf=0)
    low, high = values.min(), values.max()
    return Pillow.fromarray(((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8))


def split_alpha(picture: Picture) -> tuple[Picture, Picture | None]:
    """Separate the picture, as L, CMYK or RGB, from its alpha, which is None if it is opaque."""
    mode = "L" if picture.mode in ("1", "L", "LA", "La") else "CMYK" if picture.mode == "CMYK" else "RGB"
    if not picture.has_transparency_data:
        return picture.convert(mode), None
    with_alpha = picture.convert("LA" if mode == "L" else "RGBA")
    alpha = with_alpha.getchannel("A")
    return with_alpha.convert(mode), None if alpha.getextrema() == (255, 255) else alpha


def convert_to_rgb(
    picture: Picture, profile: bytes | None, path: Path, notices: list[str]
) -> tuple[Picture, bytes | None]:
    """Convert to RGB. Also return the ICC profile of the result, which is None for sRGB.

    A profile of RGB near sRGB stays with its values, so that a wide gamut is kept. All other values are
    converted to sRGB. A profile that is damaged, or for other colours than the picture's, is left out with a
    notice.
    """
    if not profile:
        return picture.convert("RGB"), None
    if picture.mode == "L" and profile[16:20] == b"RGB ":
        picture = picture.convert("RGB")  # grey pictures often have the profile of the colours around them
    try:
        srgb = ImageCms.createProfile("sRGB")
        to_srgb = ImageCms.buildTransform(BytesIO(profile), srgb, picture.mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        notices.append(
            f"The colour profile of {path} is damaged or does not fit the picture; it was left out."
        )
        return picture.convert("RGB"), None
    if picture.mode == "RGB" and _distance_from_srgb(to_srgb) < _FAR_FROM_SRGB:
        return picture, profile
    return to_srgb.apply(picture), None


def _distance_from_srgb(to_srgb: ImageCms.ImageCmsTransform) -> float:
    """The mean number of levels by which a transform from RGB to sRGB changes `_COLOURS`."""
    converted = np.asarray(to_srgb.apply(Pillow.fromarray(_COLOURS)), np.float32)
    return float(np.abs(converted - _COLOURS).mean())
