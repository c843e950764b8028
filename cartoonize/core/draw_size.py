"""The size at which networks draw, and the enlargement back to the size of the picture.

A network's lines are two to three pixels wide. At its own size, a 4K picture would stay nearly a photo, and a
360-line one would lose its faces. So every picture is resized to a fixed number of lines, drawn, and the
drawing is resized back.
"""

from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .choices import DETAILS, Detail
from .errors import BackendError, MediaError
from .frames import Backend, Frame, Image
from .messages import unknown_choice_message
from .opencv import load_opencv

NORMAL_LINES = 720
"""Pixels of the shorter side of a drawing where no detail is chosen; trainings and figures use it too."""
LINES: dict[str, int | None] = {"low": 480, "normal": NORMAL_LINES, "high": 1080, "full": None}
"""Pixels of the shorter side of a drawing; None keeps the picture's own."""

MAX_ENLARGEMENT = 4.0
"""The largest factor by which a small picture is enlarged before it is drawn; more adds no detail."""

_TOLERANCE = 0.05  # relative difference of sizes up to which resizing would only blur the picture
_STEP = 4  # sides are multiples of this; networks would pad others
_WINDOW = np.ones((3, 3), np.uint8)


def draw_size(width: int, height: int, detail: Detail) -> tuple[int, int]:
    """Return the width and height at which a picture of this size is drawn."""
    lines = LINES[detail]
    scale = min(lines / min(width, height), MAX_ENLARGEMENT) if lines else 1.0
    if abs(scale - 1) <= _TOLERANCE:
        return width, height
    drawn_width, drawn_height = (max(_STEP, _STEP * round(side * scale / _STEP)) for side in (width, height))
    return drawn_width, drawn_height


def resolve_detail(detail: str, style: str, notices: list[str]) -> Detail:
    """Return the detail for a style: "full" without OpenCV, and for "null", which does not change pictures.

    Raises:
        MediaError: there is no such detail.
    """
    if detail not in DETAILS:
        raise MediaError(unknown_choice_message("detail", detail, DETAILS))
    if style == "null" or detail == "full":
        return "full"
    try:
        load_opencv()
    except BackendError as error:
        notices.append(f"Pictures are drawn at their own size. {error}")
        return "full"
    return cast("Detail", detail)


def resize_to_draw_size(frame: Frame, detail: Detail, *, keep_source: bool) -> Frame:
    """Resize a frame of a source to the size at which it is drawn; `keep_source` keeps the original too."""
    height, width = frame.image.shape[:2]
    size = draw_size(width, height, detail)
    if size == (width, height):
        return frame
    full = frame.image if keep_source else None
    return replace(frame, image=resize(frame.image, size), full=full, full_size=(width, height))


def draw_picture(backend: Backend, picture: Image, detail: Detail = "normal") -> Image:
    """Return the drawing of a picture, in the picture's size."""
    frame = resize_to_draw_size(Frame(picture), detail, keep_source=False)
    return enlarge(backend(frame.image[None])[0], frame.size)


def replace_image(frame: Frame, image: Image) -> Frame:
    """Return the frame to write: with a picture of the source's size in place of the one for the network."""
    return replace(frame, image=image, full=None, full_size=None)


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Resize a picture to a width and height: by area averages if it shrinks, bicubic if it grows."""
    cv2 = load_opencv()
    is_smaller = size[0] * size[1] < image.shape[0] * image.shape[1]
    result: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC)
    return result


def enlarge(drawing: Image, size: tuple[int, int]) -> Image:
    """Resize a drawing to a larger width and height, with edges as sharp as if it had been drawn there.

    Around each pixel the darkest and lightest of its neighbours are found. The contrast about the middle of
    the two is raised by the factor of the enlargement and clipped to the two: an edge becomes steeper where
    it is and cannot overshoot. In smooth shades each pixel is that middle already, and stays.

    This is a clipped unsharp mask with the morphological mid-range (Kramer and Bruckner, 1975) in place of
    the mean. The contrast is raised before the enlargement and clipped after it, so that contours are smooth
    and not stepped, as fonts are rendered from distance fields (Green, SIGGRAPH 2007).

    A smaller size, or the same one, is resized as by `resize`.
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
    steep = cv2.convertScaleAbs(cv2.max(steep, 0, dst=steep))  # to bytes; it drops signs
    low = cv2.resize(darkest, size, interpolation=cv2.INTER_LINEAR)
    high = cv2.resize(lightest, size, interpolation=cv2.INTER_LINEAR)
    result: Image = cv2.min(cv2.max(steep, low, dst=low), high, dst=low)
    return result


def _times(cv2: Any, image: Image, factor: float) -> NDArray[np.int16]:
    products = np.rint(np.arange(256) * factor).astype(np.int16)
    result: NDArray[np.int16] = cv2.LUT(image, products)
    return result
