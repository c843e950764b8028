"""Lines of drawings: finds dark ridges by the Hessian, and samples the picture across them.

Pictures are (H, W, 3) float32 RGB in [0, 1].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.opencv import load_opencv
from ..evaluation.figures import LUMA

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIGMAS = (0.8, 1.2, 1.8, 2.7, 4.0)  # pixels, of the Gaussians at which ridges are found
MIN_RESPONSE = 0.015  # normalised second derivative of luma below which there is no ridge
BLOB = 0.5  # largest ratio of the second derivative along a line to that across it
DEPTH = 0.08  # smallest difference of luma between a line and the fills at both sides
MAX_WIDTH = 12.0  # pixels; wider dark strips are fills
STEP = 0.25  # pixels between two samples across a line
MAX_SAMPLES = 3000  # largest number of ridge pixels that are sampled in a picture
REMAP_ROWS = 30_000  # largest number of rows in a call of `remap`
CANNY = (100, 200)  # thresholds of contours, as in evaluation/figures.py
CONTOUR_DISTANCE = 4  # pixels; largest distance of a contour from the centre of its line


@dataclass(frozen=True, slots=True)
class LineSamples:
    """Samples across the lines of one picture, and the share of its contours that are lines."""

    width: Floats  # (N,) in pixels, at half the depth
    line: Floats  # (N, 3) colour at the centre
    fill: Floats  # (N, 3) mean colour of the fills at both sides
    contour_share: float  # share of the contour pixels that lie at a line; NaN without contours
    centres: Mask  # (H, W) the sampled pixels

    @property
    def count(self) -> int:
        """The number of samples."""
        return len(self.width)


def sample_lines(picture: Floats) -> LineSamples:
    """Find the dark lines of a picture and sample them across."""
    luma = picture @ LUMA
    rows, columns, normals, sigmas = _find_ridges(luma)
    chosen = _choose_evenly(len(rows), MAX_SAMPLES)
    rows, columns, normals, sigmas = rows[chosen], columns[chosen], normals[chosen], sigmas[chosen]
    centres = np.zeros(luma.shape, bool)
    if not rows.size:
        empty = np.zeros((0, 3), np.float32)
        return LineSamples(empty[:, 0], empty, empty, _share_near(picture, centres), centres)
    offsets = np.arange(-MAX_WIDTH, MAX_WIDTH + STEP, STEP, dtype=np.float32)
    profiles = _sample(picture, rows, columns, normals, offsets)
    lumas = profiles @ LUMA
    centre, left, right, width = _measure_profiles(lumas, sigmas)
    at = np.arange(len(rows))
    depth = lumas[at[:, None], np.stack([left, right], 1)] - lumas[at, centre][:, None]
    is_line = (depth.min(1) >= DEPTH) & (width < MAX_WIDTH)
    centres[rows[is_line], columns[is_line]] = True
    fill = (profiles[at, left] + profiles[at, right]) / 2
    return LineSamples(
        width[is_line], profiles[at, centre][is_line], fill[is_line], _share_near(picture, centres), centres
    )


def _find_ridges(luma: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats, Floats]:
    """Find rows, columns, unit normals (N, 2; x then y) and scales of the pixels on dark ridges.

    At each scale the largest eigenvalue of the Hessian times sigma^1.5 (Lindeberg, 1998, gamma = 3/4), which
    is greatest at the scale that fits the line. A pixel is a ridge if it is the largest across the line.
    """
    strength = np.zeros_like(luma)
    angle, scale = np.zeros_like(luma), np.zeros_like(luma)
    for sigma in SIGMAS:
        across, along, direction = _hessian(luma, sigma)
        response = np.where(np.abs(along) < BLOB * across, across * np.float32(sigma**1.5), 0)
        is_stronger = response > strength
        for best, value in ((strength, response), (angle, direction), (scale, np.float32(sigma))):
            np.copyto(best, value, where=is_stronger)
    rows, columns = np.nonzero(strength > MIN_RESPONSE)
    normals = np.stack([np.cos(angle[rows, columns]), np.sin(angle[rows, columns])], 1)
    sides = _sample(strength[..., None], rows, columns, normals, np.array([-1, 1], np.float32))[..., 0]
    peak = strength[rows, columns] >= sides.max(1)
    return rows[peak], columns[peak], normals[peak], scale[rows, columns][peak]


def _hessian(luma: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
    """The eigenvalues across and along ridges of the Hessian at a scale, and the angle across."""
    cv2 = load_opencv()
    smooth = cv2.GaussianBlur(luma, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    dy, dx = np.gradient(smooth)
    xy, xx = np.gradient(dx)
    yy = np.gradient(dy, axis=0)
    mean, difference = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return mean + difference, mean - difference, np.arctan2(2 * xy, xx - yy) / 2


def _sample(
    planes: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], normals: Floats, offsets: Floats
) -> Floats:
    """Sample planes (H, W, C) bilinearly, at each offset along the normals of pixels: (N, offsets, C)."""
    cv2 = load_opencv()
    x = (columns[:, None] + normals[:, :1] * offsets).astype(np.float32)
    y = (rows[:, None] + normals[:, 1:] * offsets).astype(np.float32)
    parts = [slice(start, start + REMAP_ROWS) for start in range(0, len(x), REMAP_ROWS)]
    sampled = [
        cv2.remap(planes, x[part], y[part], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for part in parts
    ]
    return np.concatenate(sampled).reshape(*x.shape, planes.shape[-1])


def _measure_profiles(
    profiles: Floats, sigmas: Floats
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Floats]:
    """Indices of the centre and of the fills at both sides, and the width in pixels, of profiles (N, T).

    The centre is the darkest sample within the scale of the ridge. The fill at a side is the first maximum
    that is followed by a fall, or the brightest sample within 2.5 scales and 1.5 pixels. The width is the
    distance between the places where the profile passes half of the depth at each side.
    """
    offsets = (np.arange(profiles.shape[1]) - profiles.shape[1] // 2) * STEP
    near = np.abs(offsets)[None] <= sigmas[:, None]
    centre = np.where(near, profiles, np.inf).argmin(1)
    at = np.arange(len(profiles))
    darkest = profiles[at, centre]
    max_steps = np.round((2.5 * sigmas + 1.5) / STEP).astype(int)
    sides, halves = [], []
    for sign in (-1, 1):
        steps = np.arange(profiles.shape[1] // 2)
        index = np.clip(centre[:, None] + sign * steps, 0, profiles.shape[1] - 1)
        values = profiles[at[:, None], index]
        highest = np.maximum.accumulate(values, 1)
        rise = highest - darkest[:, None]
        fallen = (rise > DEPTH) & (values < highest - 0.15 * rise)
        within = (steps <= max_steps[:, None]) & (np.cumsum(fallen, 1) == 0)
        best = np.where(within, values, -np.inf).argmax(1)
        sides.append(index[at, best])
        half = (darkest + values[at, best]) / 2
        first = np.maximum((values >= half[:, None]).argmax(1), 1)
        before, after = values[at, first - 1], values[at, first]
        halves.append(first - 1 + (half - before) / np.maximum(after - before, 1e-6))
    width = (halves[0] + halves[1]) * STEP
    return centre, sides[0], sides[1], width.astype(np.float32)


def _share_near(picture: Floats, centres: Mask) -> float:
    """The share of contour pixels (Canny) with a line's centre within CONTOUR_DISTANCE pixels."""
    cv2 = load_opencv()
    grey = cv2.cvtColor((picture * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY)
    contours = cv2.Canny(grey, *CANNY) > 0
    near = cv2.dilate(centres.astype(np.uint8), np.ones((2 * CONTOUR_DISTANCE + 1,) * 2, np.uint8)) > 0
    return float(near[contours].mean()) if contours.any() else float("nan")


def _choose_evenly(count: int, most: int) -> NDArray[np.intp]:
    """At most `most` of `count` indices, evenly spread."""
    if not count:
        return np.zeros(0, np.intp)
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))
