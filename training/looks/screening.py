"""Pictures of a folder that are no drawings: blank ones, titles, photographs.

Pictures are (H, W, 3) float32 RGB in [0, 1].
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...core.opencv import load_opencv
from ..figures import FLAT, LUMA
from .lines import LineSamples

Floats = NDArray[np.float32]
Reason = Literal["damaged", "small", "blank", "title", "photograph"]

SMALLEST = 96  # pixels of the shorter side
BLANK = 6.0 / 255  # standard deviation of luma below which a picture is blank, as in frames.py
GROUND = 0.7  # share of a title that its ground covers, at least
LETTERS = 8  # of a title, at least
LIKENESS = 2.5  # robust standard deviations above the median likeness at which a picture is no drawing


def reason_to_leave_out(picture: Floats) -> Reason | None:
    """Why a picture alone is no drawing: it is small, blank or a title."""
    if min(picture.shape[:2]) < SMALLEST:
        return "small"
    luma = picture @ LUMA
    if luma.std() < BLANK:
        return "blank"
    return "title" if is_title(luma) else None


def is_title(luma: Floats) -> bool:
    """Whether a picture is text on a ground of one colour.

    Its ground covers most of it, and all else are shapes of similar heights in few rows.
    """
    cv2 = load_opencv()
    levels = np.bincount((luma * 255).round().clip(0, 255).astype(int).ravel(), minlength=256)
    ground = levels.argmax() / 255
    shapes = (np.abs(luma - ground) > 0.2).astype(np.uint8)
    if (
        not 0.002 < shapes.mean() < 1 - GROUND
        or levels[max(0, levels.argmax() - 5) :][:11].sum() < GROUND * luma.size
    ):
        return False
    _, _, boxes, centres = cv2.connectedComponentsWithStats(shapes)
    large = boxes[1:, cv2.CC_STAT_AREA] >= 6
    heights, rows = boxes[1:, cv2.CC_STAT_HEIGHT][large], centres[1:, 1][large]
    if len(heights) < LETTERS:
        return False
    height = float(np.median(heights))
    alike = (heights > 0.5 * height) & (heights < 1.8 * height) & (heights < luma.shape[0] / 4)
    lines_of_text = np.unique((rows[alike] / (0.75 * height)).round())
    return bool(alike.mean() > 0.8 and len(lines_of_text) * 4 <= alike.sum())


def photo_likeness(picture: Floats, lines: LineSamples) -> float:
    """How much a picture looks like a photograph: the log-odds of a logistic regression.

    Fitted to 269 photographs and 279 drawings by two artists, of which it classifies 86 % correctly at 0.
    Dark ridges of photographs vary more in width and are wider, and less of their area is flat.
    """
    dy, dx = np.gradient(picture @ LUMA)
    gradient = np.hypot(dx, dy)
    flat = float((gradient < FLAT).mean())
    kurtosis = float((gradient**2).mean() / max(gradient.mean() ** 2, 1e-9))
    spread, width = 1.0, 2.0
    if lines.count >= 50:
        low, width, high = (float(value) for value in np.percentile(lines.width, [25, 50, 75]))
        spread = min((high - low) / width, 1.5)
    return 4.0 * spread - 13.0 * flat + 2.1 * math.log(kurtosis) + 3.3 * math.log(width) - 3.0


def find_photographs(likeness: Sequence[float]) -> list[bool]:
    """Which pictures of a set are photographs: those that look like one, and far more so than the others.

    A painter's drawings look more like photographs than a cartoonist's, so each set has its own threshold.
    """
    if not likeness:
        return []
    values = np.asarray(likeness, float)
    median = np.median(values)
    deviation = 1.4826 * np.median(np.abs(values - median))
    return [bool(value > max(0.0, median + LIKENESS * deviation)) for value in values]
