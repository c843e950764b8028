"""Measures the look of an artist's pictures: lines, tones, colours, fills."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ...core.draw_size import NORMAL_LINES
from ...core.errors import TrainingError
from ...core.frames import Image
from ...core.opencv import load_opencv
from ..parallel import map_in_processes
from ..pictures import read_rgb
from .colours import FillFigures, choose_palette, lab_to_hex, measure_fills
from .lines import LineSamples, sample_lines
from .measured_look import FillShares, LineLook, MeasuredLook, PaletteColour, ToneLook
from .screening import Reason, find_photographs, photo_likeness, reason_to_leave_out

Floats = NDArray[np.float32]

MAX_PICTURES = 200  # largest number of pictures that are measured
PALETTE = 8  # number of colours
EDGES = (60, 120)  # thresholds of Canny for the edges that fills exclude
PAPER = (0.2, 0.5)  # smallest share of a picture that its paper covers, and of pictures with the same paper
SAME_PAPER = 0.06  # largest difference in each channel between equal papers


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """Measurements of one picture."""

    path: Path
    lines: LineSamples
    fills: FillFigures
    likeness: float  # to a photograph: log-odds


def measure_pictures(
    paths: Sequence[Path], workers: int | None = None, progress: Callable[[int, int], None] | None = None
) -> list[PictureFigures | Reason]:
    """The figures of each picture, drawn with at most 720 lines, or the reason why it is no drawing.

    `progress` is called with the numbers of measured pictures and of all.
    """
    measured: list[PictureFigures | Reason] = []
    for result in map_in_processes(measure_picture, paths, workers):
        measured.append(result)
        if progress:
            progress(len(measured), len(paths))
    return measured


def measure_picture(path: Path) -> PictureFigures | Reason:
    """Measure a picture, or return the reason to leave it out."""
    try:
        picture = as_floats(read_rgb(path, NORMAL_LINES))
    except TrainingError:
        return "damaged"
    reason = reason_to_leave_out(picture)
    if reason:
        return reason
    lines = sample_lines(picture)
    fills = measure_fills(picture, find_edges(picture, lines))
    return PictureFigures(path, lines, fills, photo_likeness(picture, lines))


def as_floats(picture: Image) -> Floats:
    """Uint8 -> float32 in [0, 1]."""
    return picture.astype(np.float32) / np.float32(255)


def find_edges(picture: Floats, lines: LineSamples) -> NDArray[np.bool_]:
    """Return a mask (H, W) of the pixels that are lines or beside edges."""
    cv2 = load_opencv()
    grey = cv2.cvtColor((picture * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY)
    edges = cv2.dilate((cv2.Canny(grey, *EDGES) > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    inked = cv2.dilate(lines.centres.astype(np.uint8), np.ones((7, 7), np.uint8))
    result: NDArray[np.bool_] = (edges | inked) > 0
    return result


def summarise(measured: Sequence[PictureFigures | Reason]) -> MeasuredLook:
    """Summarise the look of all pictures, with equal weights.

    Raises:
        TrainingError: none of them is a drawing.
    """
    left_out: Counter[str] = Counter(result for result in measured if isinstance(result, str))
    drawings = choose_drawings(measured)
    photographs = len(measured) - sum(left_out.values()) - len(drawings)
    if photographs:
        left_out["photograph"] = photographs
    if not drawings:
        counts = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise TrainingError(f"None of the pictures is a drawing ({counts}): choose other pictures.")
    fills = [picture.fills for picture in drawings]
    chroma, hue = _by_lightness(fills)
    paper, paper_share = _common_paper(fills)
    return MeasuredLook(
        pictures=len(drawings),
        left_out=dict(left_out),
        lines=_summarise_lines([picture.lines for picture in drawings]),
        tones=_summarise_tones(fills),
        chroma=chroma,
        hue=hue,
        fills=FillShares(
            flat=fmean(fill.flat for fill in fills), gradient=fmean(fill.gradient for fill in fills)
        ),
        grain=float(np.median([fill.grain for fill in fills])),
        paper=paper,
        paper_share=paper_share,
        one_hue=float(np.median([fill.one_hue for fill in fills])),
        palette=_palette(fills),
    )


def choose_drawings(measured: Sequence[PictureFigures | Reason]) -> list[PictureFigures]:
    """The pictures that are drawings."""
    pictures = [result for result in measured if isinstance(result, PictureFigures)]
    photographs = find_photographs([picture.likeness for picture in pictures])
    return [picture for picture, is_photo in zip(pictures, photographs, strict=True) if not is_photo]


def _summarise_lines(lines: Sequence[LineSamples]) -> LineLook:
    """Medians over all samples, at most 500 of each picture."""
    shares = [line.contour_share for line in lines if np.isfinite(line.contour_share)]
    share = float(np.median(shares)) if shares else 0.0
    if not sum(line.count for line in lines):
        return LineLook(share=share)
    width, line, fill = (
        np.concatenate([getattr(samples, name)[:: max(1, samples.count // 500)] for samples in lines])
        for name in ("width", "line", "fill")
    )
    low, middle, high = (float(value) for value in np.percentile(width, [25, 50, 75]))
    darkness, ink = fit_ink(line, fill)
    depth = np.median(line.mean(1) / np.maximum(fill.mean(1), 1e-3))
    return LineLook(
        share=share,
        width=middle,
        spread=(high - low) / middle,
        darkness=darkness,
        ink=ink,
        depth=float(depth),
    )


def fit_ink(line: Floats, fill: Floats) -> tuple[float, tuple[float, float, float]]:
    """Fit darkness and ink (RGB) so that the darkest lines equal (1 - darkness) fill + darkness ink.

    Fits a straight line to ten groups of equal size, from the darkest fills to the lightest. Each group uses
    only its darkest quarter: the others are folds, patterns, and lines that are thinner than a pixel.
    """
    brightness = line.mean(1)
    groups = [
        group[np.argsort(brightness[group])[: max(1, len(group) // 4)]]
        for group in np.array_split(np.argsort(fill.mean(1)), min(10, len(fill)))
    ]
    x, y = (np.array([np.median(values[group], 0) for group in groups]) for values in (fill, line))
    light, dark = x.mean(1), y.mean(1)
    spread = ((light - light.mean()) ** 2).sum()
    slope = ((light - light.mean()) * (dark - dark.mean())).sum() / spread if spread > 1e-3 else 0.0
    darkness = float(np.clip(1 - slope, 0.3, 1.0))
    red, green, blue = np.clip((np.median(y - (1 - darkness) * x, 0)) / darkness, 0, 1).tolist()
    return darkness, (red, green, blue)


def _summarise_tones(fills: Sequence[FillFigures]) -> ToneLook:
    lightness = np.mean([fill.lightness for fill in fills], 0)
    levels = np.arange(100) + 0.5
    mean = float((lightness * levels).sum())
    below = np.cumsum(lightness)
    black, low, median, high, white = (
        float(levels[np.searchsorted(below, q)]) for q in (0.01, 0.05, 0.5, 0.95, 0.99)
    )
    return ToneLook(
        count=int(np.median([fill.tones for fill in fills])),
        mean=mean,
        deviation=float(np.sqrt((lightness * (levels - mean) ** 2).sum())),
        black=black, low=low, median=median, high=high, white=white,
    )  # fmt: skip


def _by_lightness(fills: Sequence[FillFigures]) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    """Mean chroma, and mean a and b, in each band of lightness, over the pixels of all pictures."""
    bands = len(fills[0].chroma)
    weights = np.array([fill.lightness.reshape(bands, -1).sum(1) for fill in fills])
    total = np.maximum(weights.sum(0), 1e-9)
    chroma = (np.array([fill.chroma for fill in fills]) * weights).sum(0) / total
    hue = (np.array([fill.hue for fill in fills]) * weights[..., None]).sum(0) / total[:, None]
    return tuple(chroma.tolist()), tuple((a, b) for a, b in hue.tolist())


def _common_paper(fills: Sequence[FillFigures]) -> tuple[tuple[float, float, float] | None, float]:
    """Return the paper that most pictures share, or None, and the share of the pictures with it."""
    papers = np.array([fill.paper for fill in fills])
    large = papers[papers[:, 3] >= PAPER[0], :3]
    if not len(large):
        return None, 0.0
    same = (np.abs(large[:, None] - large[None]).max(2) < SAME_PAPER).sum(1)
    share = float(same.max() / len(fills))
    if share < PAPER[1]:
        return None, share
    red, green, blue = large[same.argmax()].tolist()
    return (red, green, blue), share


def _palette(fills: Sequence[FillFigures]) -> tuple[PaletteColour, ...]:
    cells: dict[tuple[int, int, int], float] = {}
    for fill in fills:
        for cell, share in fill.cells.items():
            cells[cell] = cells.get(cell, 0.0) + share / len(fills)
    return tuple(PaletteColour(lab_to_hex(lab), share) for lab, share in choose_palette(cells, PALETTE))
