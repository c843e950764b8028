"""The size at which networks draw, whatever the picture's own, and the way back to that.

A network's lines are two to three pixels wide. Drawn at its own size, a 4K picture stays nearly a photo, and
a 360-line one loses its faces. So every picture is brought to one size, drawn, and the drawing enlarged.
"""

from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .choices import DETAILS, Detail, did_you_mean
from .errors import BackendError, MediaError
from .frames import Backend, Frame, Image
from .opencv import load_opencv

LINES: dict[str, int | None] = {"low": 480, "normal": 720, "high": 1080, "full": None}
"""Pixels of the shorter side of a drawing; None for the picture's own."""

MOST = 4.0
"""How many times a small picture is enlarged before it is drawn, at most: more brings nothing to light."""

_CLOSE = 0.05  # share by which a picture's own size may differ: to scale it would only blur it
_STEP = 4  # sides are multiples of this, as networks pad others
_WINDOW = np.ones((3, 3), np.uint8)


def draw_size(width: int, height: int, detail: Detail) -> tuple[int, int]:
    """Width and height at which a picture of this size is drawn."""
    lines = LINES[detail]
    scale = min(lines / min(width, height), MOST) if lines else 1.0
    if abs(scale - 1) <= _CLOSE:
        return width, height
    drawn_width, drawn_height = (max(_STEP, _STEP * round(side * scale / _STEP)) for side in (width, height))
    return drawn_width, drawn_height


def resolve_detail(detail: str, style: str, notices: list[str]) -> Detail:
    """The detail for a style: "full" for "null", which gives pictures back as they are, and without OpenCV.

    Raises:
        MediaError: there is no such detail.
    """
    if detail not in DETAILS:
        raise MediaError(
            f"There is no detail {detail!r}: choose {', '.join(DETAILS)}.{did_you_mean(detail, DETAILS)}"
        )
    if style == "null" or detail == "full":
        return "full"
    try:
        load_opencv()
    except BackendError as error:
        notices.append(f"Pictures are drawn at their own size. {error}")
        return "full"
    return cast("Detail", detail)


def resize_to_draw_size(frame: Frame, detail: Detail, *, keep_source: bool) -> Frame:
    """A frame of a source at the size at which it is drawn; with `keep_source` also at its own."""
    height, width = frame.image.shape[:2]
    size = draw_size(width, height, detail)
    if size == (width, height):
        return frame
    full = frame.image if keep_source else None
    return replace(frame, image=resize(frame.image, size), full=full, full_size=(width, height))


def draw_picture(backend: Backend, picture: Image, detail: Detail = "normal") -> Image:
    """The drawing of a picture, in the picture's size."""
    frame = resize_to_draw_size(Frame(picture), detail, keep_source=False)
    return enlarge(backend(frame.image[None])[0], frame.size)


def replace_image(frame: Frame, image: Image) -> Frame:
    """The frame to write: a picture of its own size in place of the one that was drawn."""
    return replace(frame, image=image, full=None, full_size=None)


def resize(image: Image, size: tuple[int, int]) -> Image:
    """A picture at another width and height: by areas where it shrinks, bicubic where it grows."""
    cv2 = load_opencv()
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    result: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return result


def enlarge(drawing: Image, size: tuple[int, int]) -> Image:
    """A drawing at a larger width and height, its edges as sharp as if it had been drawn there.

    A contrast about the middle of what is near, as high as the enlargement, and cut off at the darkest and
    lightest of what is near: an edge becomes steeper in its place and cannot overshoot. In smooth shades each
    pixel is that middle already, and stays. This is the clamped unsharp mask with the morphological
    mid-range (Kramer and Bruckner, 1975) in place of the mean, taken before the enlargement and cut off
    behind it, so that contours are smooth, not stepped: as fonts are drawn from distance fields (Green,
    SIGGRAPH 2007).
    """
    width, height = size
    scale = width * height / (drawing.shape[0] * drawing.shape[1])
    if scale <= 1:
        return drawing if (height, width) == drawing.shape[:2] else resize(drawing, size)
    cv2 = load_opencv()
    contrast = np.sqrt(scale)
    darkest, lightest = cv2.erode(drawing, _WINDOW), cv2.dilate(drawing, _WINDOW)
    middle = cv2.addWeighted(darkest, 0.5, lightest, 0.5, 0)
    steep = cv2.add(_times(cv2, drawing, contrast), _times(cv2, middle, 1 - contrast))
    steep = cv2.resize(steep, size, interpolation=cv2.INTER_CUBIC)
    steep = cv2.convertScaleAbs(cv2.max(steep, 0, dst=steep))  # to bytes; of negative values it takes no sign
    low = cv2.resize(darkest, size, interpolation=cv2.INTER_LINEAR)
    high = cv2.resize(lightest, size, interpolation=cv2.INTER_LINEAR)
    result: Image = cv2.min(cv2.max(steep, low, dst=low), high, dst=low)
    return result


def _times(cv2: Any, image: Image, factor: float) -> NDArray[np.int16]:
    products = np.rint(np.arange(256) * factor).astype(np.int16)
    result: NDArray[np.int16] = cv2.LUT(image, products)
    return result
