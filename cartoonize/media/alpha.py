"""Transparency: reads alpha, keeps it if the output supports it, and otherwise composites on a background."""

from typing import cast

import av
import numpy as np
from PIL import ImageColor

from ..core.errors import MediaError
from ..core.frames import Image, Plane

_VIDEO_ALPHA = ("yuva", "gbrap")  # some decoders use the other formats for opaque video too
_WITH_ALPHA = (*_VIDEO_ALPHA, "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8")
# FFmpeg's own decoders ignore the second picture of WebM, which holds alpha.
_ALPHA_DECODERS = {"vp9": "libvpx-vp9", "vp8": "libvpx"}


def alpha_decoder(stream: av.VideoStream) -> "av.VideoCodecContext | None":
    """A decoder that keeps the alpha of a WebM stream; None if it has no alpha or no such decoder exists."""
    name = _ALPHA_DECODERS.get(stream.codec_context.name, "")
    if stream.metadata.get("alpha_mode") != "1" or name not in av.codecs_available:
        return None
    return cast("av.VideoCodecContext", av.VideoCodecContext.create(name, "r"))


def holds_alpha(pixel_format: str) -> bool:
    """Whether frames of this pixel format can be transparent."""
    return pixel_format.startswith(_WITH_ALPHA)


def extract_alpha(frame: av.VideoFrame) -> Plane | None:
    """The opacity of each pixel, (H, W), 0 to 255; None if all are opaque."""
    if not holds_alpha(frame.format.name):
        return None
    alpha = frame.reformat(format="rgba", threads=1).to_ndarray()[..., 3]
    return None if alpha.min(initial=255) == 255 else np.ascontiguousarray(alpha)


def is_transparent(first: av.VideoFrame) -> bool:
    """Whether a video counts as transparent, by its first frame."""
    return first.format.name.startswith(_VIDEO_ALPHA) or extract_alpha(first) is not None


def composite_on(image: Image, alpha: Plane, background: tuple[int, int, int]) -> Image:
    """Composite a picture (H, W, 3) on a colour."""
    opacity = alpha[..., None].astype(np.uint16)
    mixed = image * opacity + np.array(background, np.uint16) * (255 - opacity)
    return ((mixed + 127) // 255).astype(np.uint8)


def parse_colour(name: str) -> tuple[int, int, int]:
    """Red, green and blue of "white", "#ffcc00" or "rgb(255, 204, 0)".

    Raises:
        MediaError: it is not a colour.
    """
    try:
        return ImageColor.getrgb(name)[:3]
    except ValueError as error:
        raise MediaError(f"{name!r} is not a colour; write white, or #ffcc00.") from error
