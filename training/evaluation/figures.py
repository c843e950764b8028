"""Figures of a drawing compared with its source: colours, flatness, contours, faint and rough structures.

Pictures are (H, W, 3) uint8 RGB.
"""

import math
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ...core.draw_size import NORMAL_LINES, resize
from ...core.frames import Image
from ...core.opencv import load_opencv

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
FLAT = 2 / 255  # gradient magnitude below which a pixel is flat
CANNY = (100, 200)  # thresholds of contours, on a 3x3 Sobel gradient
CONTOUR_DISTANCE = 2  # pixels within which a contour counts as kept
COLOUR_SIGMA = 8.0  # of the blur before colours are compared

BLOCK = 32  # pixels at 720 lines: the sides of the squares in which structures are measured
FAINT = (1.0, 5.0)  # RMS in Lab of a faint structure, in the band between Gaussians of BAND pixels
BAND = (4.0, 16.0)
FINE_SIGMA = 2.0  # of the Gaussian that removes fine structure
SMOOTH = 1.5  # RMS in Lab of fine structure below which a block has no texture
LOST = 0.3  # gain below which a faint structure is lost
BUSY, DIRECTED = 6.0, 0.4  # a block is rough if its RMS of fine luma is above, its coherence below these

Floats = NDArray[np.float32]


class FigureSums:
    """The figures of many pictures together."""

    def __init__(self) -> None:
        self._pictures: list[dict[str, float]] = []
        self._gains: list[Floats] = []
        self._edges = np.zeros(2)

    def add(self, source: Image, output: Image) -> None:
        """Measure a picture and its drawing at the picture's size."""
        self._pictures.append(
            {
                "colour_shift": colour_shift(source, output),
                "flatness_output": flatness(output),
                "flatness_source": flatness(source),
                "contours_kept": contours_kept(source, output),
            }
        )

    def add_structures(self, source: Image, drawing: Image) -> None:
        """Measure the structures of a picture at draw size."""
        source, drawing = at_720_lines(source), at_720_lines(drawing)
        self._gains.append(faint_gains(source, drawing))
        self._edges += rough_edges(source, drawing)

    def figures(self) -> dict[str, float]:
        """Means over the pictures that define a figure, and shares of all blocks; NaN for undefined ones."""
        means: dict[str, float] = {"pictures": len(self._pictures)}
        for name in self._pictures[0]:
            values = [figures[name] for figures in self._pictures if not math.isnan(figures[name])]
            means[name] = fmean(values) if values else math.nan
        means["flatness_ratio"] = ratio(means["flatness_output"], means["flatness_source"])
        if self._gains:
            means |= summarise_gains(np.concatenate(self._gains))
            means["rough_edges"] = ratio(*self._edges[::-1].tolist())
        return means


def colour_shift(source: Image, output: Image) -> float:
    """Mean CIE 1976 distance in Lab of both pictures after a Gaussian of sigma 8."""
    from skimage.color import deltaE_cie76, rgb2lab

    cv2 = load_opencv()
    blurred = [
        cv2.GaussianBlur(picture / np.float32(255), (0, 0), COLOUR_SIGMA) for picture in (source, output)
    ]
    lab = [rgb2lab(picture) for picture in blurred]
    return float(deltaE_cie76(*lab).mean())  # type: ignore[no-untyped-call]


def flatness(picture: Image) -> float:
    """Share of pixels where luma in [0, 1] has a gradient (central differences) under 2/255."""
    dy, dx = np.gradient(picture @ LUMA / 255)
    return float((np.hypot(dx, dy) < FLAT).mean())


def contours_kept(source: Image, output: Image) -> float:
    """Share of the source's Canny edge pixels with one of the output within 2 pixels; NaN without edges."""
    cv2 = load_opencv()
    before, after = (_canny(picture) > 0 for picture in (source, output))
    contour_area = cv2.dilate(after.astype(np.uint8), np.ones((2 * CONTOUR_DISTANCE + 1,) * 2, np.uint8)) > 0
    return float(contour_area[before].mean()) if before.any() else float("nan")


def faint_gains(source: Image, drawing: Image) -> Floats:
    """Return the contrast that large faint structures keep, for each block with one: 1 is all, 0 none; 1-D.

    Both pictures have 720 lines. In CIE Lab the band is the difference of Gaussians of 4 and 16 pixels. A
    block of 32 pixels counts if the RMS of its band (all channels summed) is 1 to 5, like a mountain in mist,
    and that of everything finer than a Gaussian of 2 pixels is below 1.5. The gain is <band of the source,
    band of the drawing> / <band of the source, itself>.
    """
    before, after = (_lab(picture) for picture in (source, drawing))
    band, drawn = (_blur(lab, BAND[0]) - _blur(lab, BAND[1]) for lab in (before, after))
    fine = _block_means((before - _blur(before, FINE_SIGMA)) ** 2)
    power = _block_means(band**2)
    faint = (np.sqrt(power) >= FAINT[0]) & (np.sqrt(power) <= FAINT[1]) & (np.sqrt(fine) < SMOOTH)
    gains: Floats = (_block_means(band * drawn)[faint] / power[faint]).astype(np.float32)
    return gains


def summarise_gains(gains: Floats) -> dict[str, float]:
    """Median and 10th percentile of the gains, and the share of lost blocks; NaN without blocks."""
    if not gains.size:
        return dict.fromkeys(("faint_gain_median", "faint_gain_p10", "faint_lost"), math.nan)
    return {
        "faint_gain_median": float(np.median(gains)),
        "faint_gain_p10": float(np.quantile(gains, 0.1)),
        "faint_lost": float((gains < LOST).mean()),
    }


def rough_edges(source: Image, drawing: Image) -> tuple[float, float]:
    """The area of Canny edges of both pictures, of 720 lines, in rough blocks of the source, in blocks.

    A block of 32 pixels is rough if the RMS of its luma without a Gaussian of 2 pixels is above 6 levels, and
    the coherence of its structure tensor is below 0.4.
    """
    cv2 = load_opencv()
    grey = cv2.cvtColor(source, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gx, gy = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    xx, yy, xy = (_block_means(product) for product in (gx * gx, gy * gy, gx * gy))
    coherence = np.hypot(xx - yy, 2 * xy) / np.maximum(xx + yy, 1e-6)
    busy = np.sqrt(_block_means((grey - _blur(grey, FINE_SIGMA)) ** 2)) > BUSY
    rough = busy & (coherence < DIRECTED)
    before, after = (float(_block_means(_canny(picture))[rough].sum()) for picture in (source, drawing))
    return before, after


def at_720_lines(picture: Image) -> Image:
    """The picture with a shorter side of 720 pixels."""
    height, width = picture.shape[:2]
    scale = NORMAL_LINES / min(height, width)
    return picture if scale == 1 else resize(picture, (round(width * scale), round(height * scale)))


def ratio(output: float, source: float) -> float:
    """The quotient; NaN if `source` is 0."""
    return output / source if source else math.nan


def _canny(picture: Image) -> Floats:
    cv2 = load_opencv()
    edges: Floats = cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), *CANNY).astype(np.float32)
    return edges / np.float32(255)


def _lab(picture: Image) -> Floats:
    from skimage.color import rgb2lab

    lab: Floats = rgb2lab(picture).astype(np.float32)
    return lab


def _blur(planes: Floats, sigma: float) -> Floats:
    blurred: Floats = load_opencv().GaussianBlur(planes, (0, 0), sigma)
    return blurred


def _block_means(values: Floats) -> Floats:
    """Means over the pixels of each cropped block, summed over the channels: (rows, columns)."""
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    cropped = values[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, -1)
    means: Floats = cropped.mean((1, 3)).sum(-1)
    return means
