"""Transparency: read beside the colours, kept where it can be, and otherwise laid on a background."""

from typing import cast

import av
import numpy as np
from PIL import ImageColor

from ..core.errors import MediaError
from ..core.frames import Image, Plane

_DECLARED = ("yuva", "gbrap")  # the others are what some decoders always give, opaque as it may be
_WITH_ALPHA = (*_DECLARED, "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8")
# The decoders of FFmpeg's own drop the second picture of WebM, in which alpha is kept.
_ALPHA_DECODERS = {"vp9": "libvpx-vp9", "vp8": "libvpx"}


def alpha_decoder(stream: av.VideoStream) -> "av.VideoCodecContext | None":
    """A decoder that keeps the alpha of a WebM stream; None if there is none to keep, or no such decoder."""
    name = _ALPHA_DECODERS.get(stream.codec_context.name, "")
    if stream.metadata.get("alpha_mode") != "1" or name not in av.codecs_available:
        return None
    return cast("av.VideoCodecContext", av.VideoCodecContext.create(name, "r"))


def holds_alpha(pixel_format: str) -> bool:
    """Whether pictures of this format can be transparent."""
    return pixel_format.startswith(_WITH_ALPHA)


def alpha_of(frame: av.VideoFrame) -> Plane | None:
    """How opaque each pixel is, (H, W), 0 to 255; None if all are."""
    if not holds_alpha(frame.format.name):
        return None
    alpha = frame.reformat(format="rgba", threads=1).to_ndarray()[..., 3]
    return None if alpha.min(initial=255) == 255 else np.ascontiguousarray(alpha)


def is_transparent(first: av.VideoFrame) -> bool:
    """Whether a video is to be kept transparent, by its first frame."""
    return first.format.name.startswith(_DECLARED) or alpha_of(first) is not None


def on_background(image: Image, alpha: Plane, background: tuple[int, int, int]) -> Image:
    """A picture (H, W, 3) laid on a colour."""
    opacity = alpha[..., None].astype(np.uint16)
    mixed = image * opacity + np.array(background, np.uint16) * (255 - opacity)
    return ((mixed + 127) // 255).astype(np.uint8)


def background_colour(name: str) -> tuple[int, int, int]:
    """Red, green and blue of "white", "#ffcc00" or "rgb(255, 204, 0)".

    Raises:
        MediaError: it is no colour.
    """
    try:
        return ImageColor.getrgb(name)[:3]
    except ValueError as error:
        raise MediaError(f"{name!r} is no colour; write white, or #ffcc00.") from error
