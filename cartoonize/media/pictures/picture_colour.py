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
    if picture.mode.startswith("I;16"):
        high = (np.asarray(picture) >> 8).astype(np.uint8)
        # Values may count down from white, which Pillow respects in 8 bits only.
        return Pillow.fromarray(255 - high if tags.get(_WHITE) == 0 else high)
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

    A profile of RGB stays with its values. Values with a profile of grey or CMYK are converted to sRGB. A
    profile that is damaged, or for other colours than the picture's, is left out with a notice.
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
    return (picture, profile) if picture.mode == "RGB" else (to_srgb.apply(picture), None)
