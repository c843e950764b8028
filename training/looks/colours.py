"""Colours and fills of drawings: tones, chroma and warmth by lightness, paper, grain, gradients, palette.

Pictures are (H, W, 3) float32 RGB in [0, 1]; Lab is CIE Lab under D65, L in [0, 100].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.opencv import load_opencv
from ..evaluation.figures import LUMA

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

BANDS = 5  # bands of lightness in which chroma and hue are measured
BLOCK = 12  # pixels: side of the blocks that are classified as flat, sloped or textured
FLAT_RISE = 1.0  # largest rise of luma across a flat block, in levels
TEXTURE = 2.5  # RMS in levels, in addition to the grain, above which a block has texture
CELL = 8.0  # side of the cells of Lab in which the palette counts colours
CELL_OFFSET = 512  # added to cell numbers, so that three of them fit one integer
PALETTE_DISTANCE = 14.0  # smallest distance in Lab between two colours of a palette
TONE_PEAK = 0.02  # smallest share of the fills at a tone
PAPER_LIGHTNESS = 70.0  # smallest L of paper


@dataclass(frozen=True, slots=True)
class FillFigures:
    """Measurements of the fills of one picture: all pixels except lines and the pixels beside edges."""

    lightness: Floats  # (100,) share of the fills at each unit of L; sums to 1
    chroma: Floats  # (BANDS,) mean chroma in each band of L; 0 without pixels
    hue: Floats  # (BANDS, 2) mean a and b in each band of L
    tones: int  # number of peaks in the histogram of lightness
    paper: Floats  # (4,) RGB of the most common light colour, and its share of the fills
    grain: float  # standard deviation of noise in luma, in levels of 255
    flat: float  # share of blocks without slope and texture
    gradient: float  # share of blocks with a slope, without texture
    cells: dict[tuple[int, int, int], float]  # share of the fills in each cell of Lab
    one_hue: float  # share of the variance of colours along one straight line in Lab


def measure_fills(picture: Floats, edges: Mask) -> FillFigures:
    """Measure the fills: the pixels that are not `edges` (H, W)."""
    lab = to_lab(picture)
    fills = ~edges if (~edges).mean() > 0.02 else np.ones_like(edges)
    pixels = lab[fills]
    lightness = (np.histogram(pixels[:, 0], 100, (0, 100))[0] / len(pixels)).astype(np.float32)
    chroma, hue = _by_lightness(pixels)
    luma = picture @ LUMA * 255
    grain = measure_grain(luma, fills)
    flat, gradient = _slopes(luma, fills, grain)
    return FillFigures(
        lightness, chroma, hue, count_tones(lightness), _paper(picture[fills], pixels),
        grain, flat, gradient, _cells(pixels), _one_hue(pixels),
    )  # fmt: skip


def to_lab(picture: Floats) -> Floats:
    """Convert RGB (H, W, 3) in [0, 1] to Lab."""
    cv2 = load_opencv()
    lab: Floats = cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2Lab)
    return lab


def _by_lightness(pixels: Floats) -> tuple[Floats, Floats]:
    """Mean chroma (BANDS,) and mean a and b (BANDS, 2) of Lab pixels in bands of lightness."""
    band = np.clip((pixels[:, 0] * BANDS / 100).astype(int), 0, BANDS - 1)
    count = np.maximum(np.bincount(band, minlength=BANDS), 1)
    means = [
        np.bincount(band, values, BANDS) / count
        for values in (np.hypot(pixels[:, 1], pixels[:, 2]), pixels[:, 1], pixels[:, 2])
    ]
    return means[0].astype(np.float32), np.stack(means[1:], 1).astype(np.float32)


def count_tones(lightness: Floats) -> int:
    """Count the peaks of a histogram of lightness (100,) with at least TONE_PEAK of the pixels.

    Peaks closer than four units are one tone.
    """
    kernel = np.exp(-(np.arange(-4, 5) ** 2) / (2 * 1.5**2))
    smooth = np.pad(np.convolve(lightness, kernel / kernel.sum(), "same"), 6)
    windows = np.lib.stride_tricks.sliding_window_view(smooth, 13)  # six units to each side
    highest, lowest = windows[:, 3:10].max(1), np.minimum(windows[:, :6].min(1), windows[:, 7:].min(1))
    rise = smooth[6:-6] - lowest
    peaks = (smooth[6:-6] == highest) & (rise > TONE_PEAK / 4)  # a quarter of a smoothed peak is at its top
    return max(1, int(peaks.sum()))


def _paper(colours: Floats, pixels: Floats) -> Floats:
    """RGB of the most common light colour, and the share of pixels within 4 units of its Lab: (4,)."""
    light = pixels[:, 0] > PAPER_LIGHTNESS
    if not light.any():
        return np.zeros(4, np.float32)
    cells = _cells(pixels[light], 4.0)
    centre = (np.array(max(cells, key=lambda cell: cells[cell])) + 0.5) * 4.0
    near = light & (np.abs(pixels - centre.astype(np.float32)).max(1) < 4)
    return np.append(np.median(colours[near], 0), near.mean()).astype(np.float32)


def measure_grain(luma: Floats, fills: Mask) -> float:
    """Standard deviation of the noise in luma, in its units.

    After Immerkaer (1996), with the median in place of the mean.
    """
    cv2 = load_opencv()
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    noise = np.abs(cv2.filter2D(luma, cv2.CV_32F, kernel))[fills]
    return float(np.median(noise) / 0.6745)


def _slopes(luma: Floats, fills: Mask, grain: float) -> tuple[float, float]:
    """The shares of blocks that are flat, and of blocks that have a slope but no texture.

    A plane is fitted to the luma of each block. Only blocks that lie within the fills count.
    """
    rows, columns = luma.shape[0] // BLOCK, luma.shape[1] // BLOCK

    def split(plane: NDArray[np.generic]) -> NDArray[np.generic]:
        cropped = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
        return cropped.transpose(0, 2, 1, 3).reshape(-1, BLOCK, BLOCK)

    blocks = split(luma)[split(fills).all((1, 2))].astype(np.float32)
    if not len(blocks):
        return 0.0, 0.0
    ramp = np.arange(BLOCK, dtype=np.float32) - (BLOCK - 1) / 2
    power = BLOCK * (ramp**2).sum()
    x, y = (blocks * ramp).sum((1, 2)) / power, (blocks * ramp[:, None]).sum((1, 2)) / power
    plane = blocks.mean((1, 2))[:, None, None] + x[:, None, None] * ramp + y[:, None, None] * ramp[:, None]
    residual = np.sqrt(((blocks - plane) ** 2).mean((1, 2)))
    rise = np.hypot(x, y) * BLOCK
    smooth = residual < np.hypot(TEXTURE, grain)
    return float((smooth & (rise < FLAT_RISE)).mean()), float((smooth & (rise >= FLAT_RISE)).mean())


def _cells(pixels: Floats, size: float = CELL) -> dict[tuple[int, int, int], float]:
    """The share of Lab pixels in each cubic cell of side `size`, by the cell's coordinates."""
    cells = np.floor(pixels / size).astype(np.int64) + CELL_OFFSET
    codes, counts = np.unique(cells @ np.array([1 << 20, 1 << 10, 1]), return_counts=True)
    return {
        (code >> 20, (code >> 10 & 1023) - CELL_OFFSET, (code & 1023) - CELL_OFFSET): count / len(pixels)
        for code, count in zip((codes - (CELL_OFFSET << 20)).tolist(), counts.tolist(), strict=True)
    }


def _one_hue(pixels: Floats) -> float:
    """The share of the variance of Lab pixels along their principal axis; 1 for ink on paper."""
    values = np.linalg.eigvalsh(np.cov(pixels[:: max(1, len(pixels) // 20_000)].T))
    return float(values[-1] / max(values.sum(), 1e-6))


def choose_palette(cells: dict[tuple[int, int, int], float], count: int) -> list[tuple[Floats, float]]:
    """Return the most common colours, Lab (3,), and their shares, at least PALETTE_DISTANCE units apart."""
    palette: list[tuple[Floats, float]] = []
    for cell, share in sorted(cells.items(), key=lambda item: (-item[1], item[0])):
        colour = (np.array(cell, np.float32) + 0.5) * CELL
        if all(np.linalg.norm(colour - other) >= PALETTE_DISTANCE for other, _ in palette):
            palette.append((colour, share))
        if len(palette) == count:
            break
    return palette


def lab_to_hex(lab: Floats) -> str:
    """A colour of Lab (3,) as "#rrggbb"."""
    cv2 = load_opencv()
    rgb = cv2.cvtColor(np.asarray(lab, np.float32).reshape(1, 1, 3), cv2.COLOR_Lab2RGB)
    red, green, blue = (rgb.clip(0, 1) * 255).round().astype(int).ravel().tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"
