"""Does a picture look the same at every input size? Draws photos at several sizes and compares the drawings.

    python benchmarks/sizes.py PHOTOS [--style pepper] [--detail normal] [--lines 1440] [--pictures DIR]

PHOTOS are pictures with real detail, or crops of them; `--lines` is the number of lines of the whole picture.
Each is scaled as if it had 360 to 2160 lines, and drawn as `cartoonize image` draws it. The table shows for
each size: the mean difference of lightness from the drawing at 720 lines (levels of 255), its line pixels
relative to that drawing, and the width of strong edges (10 to 90 %, in pixels of that size). `--detail full`
draws each at its own size.
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from results import Results, make_parser

from cartoonize import load
from cartoonize.core.draw_size import LINES, enlarge, resize
from cartoonize.core.frames import Backend, Image

SIZES = (360, 540, 720, 1080, 1440, 2160)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
LINE = 20  # levels by which a line is darker than a Gaussian of 4 pixels around it
STRONG = 60  # height of a strong edge in levels


def main() -> None:
    """Draw, compare, print."""
    parser = make_parser(__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--style", default="pepper")
    parser.add_argument("--detail", default="normal", choices=LINES)
    parser.add_argument("--lines", type=int, default=1440)
    parser.add_argument("--pictures", type=Path, help="folder to write the drawings to")
    options = parser.parse_args()
    results = Results("sizes", options)
    with load(options.style, device="cpu") as backend:
        figures: dict[int, list[tuple[float, float, float]]] = {lines: [] for lines in SIZES}
        for path in options.photos:
            photo = np.asarray(Pillow.open(path).convert("RGB"))
            drawings = {
                lines: draw(backend, scale(photo, lines / options.lines), lines, options.detail)
                for lines in SIZES
            }
            for lines, drawing in drawings.items():
                figures[lines].append(compare_drawings(drawing, drawings[720]))
                if options.pictures:
                    Pillow.fromarray(drawing).save(options.pictures / f"{path.stem}-{lines}.png")
    print(
        f"{options.style}, {options.detail}, {len(options.photos)} photos, {backend.device}, "
        f"{backend.precision}"
    )
    print("lines  difference  line pixels  edge width")
    for lines in SIZES:
        difference, line, width = np.nanmean(figures[lines], axis=0)
        results[f"{lines}_difference"], results[f"{lines}_line_pixels"] = difference, line
        results[f"{lines}_edge_width"] = width
        print(f"{lines:5}  {difference:10.2f}  {line:11.2f}  {width:10.2f}")
    results.write()


def draw(backend: Backend, source: Image, lines: int, detail: str) -> Image:
    """The drawing of a picture at its own size; `source` may be a crop of a picture with `lines` lines."""
    draw_lines = LINES[detail]
    if draw_lines is None or draw_lines == lines:
        return backend(source[None])[0]
    size = tuple(4 * round(side * draw_lines / lines / 4) for side in source.shape[1::-1])
    return enlarge(backend(resize(source, size)[None])[0], source.shape[1::-1])


def compare_drawings(drawing: Image, reference: Image) -> tuple[float, float, float]:
    """Mean difference of lightness, line pixels relative to the reference, and the width of strong edges."""
    size = reference.shape[1::-1]
    small = resize(drawing, size) if drawing.shape[1::-1] != size else drawing
    difference = np.abs(small @ LUMA - reference @ LUMA).mean()
    reference_lines = line_share(reference)
    ratio = line_share(small) / reference_lines if reference_lines else np.nan
    return difference, ratio, edge_width(drawing)


def line_share(picture: Image) -> float:
    """Share of the pixels that are darker than their surroundings."""
    luma = (picture @ LUMA).astype(np.float32)
    return float((cv2.GaussianBlur(luma, (0, 0), 4) - luma > LINE).mean())


def edge_width(picture: Image) -> float:
    """Median pixels from 10 to 90 % of strong edges, along the gradient; NaN without strong edges."""
    luma = (picture @ LUMA).astype(np.float32)
    gx, gy = cv2.Sobel(luma, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(luma, cv2.CV_32F, 0, 1) / 8
    low, high = (function(luma, np.ones((9, 9), np.uint8)) for function in (cv2.erode, cv2.dilate))
    steepness = np.hypot(gx, gy)
    local_maximum = steepness >= cv2.dilate(steepness, np.ones((5, 5), np.uint8))
    peak = (high - low > STRONG) & (steepness > 1) & local_maximum
    # Of an edge of height h with a maximum slope of s, 80 % take about 0.8 h / s pixels.
    return float(np.median(0.8 * (high - low)[peak] / steepness[peak])) if peak.any() else np.nan


def scale(picture: Image, factor: float) -> Image:
    """Scale a picture by area averaging or bicubic interpolation."""
    if factor == 1:
        return picture
    return resize(picture, tuple(round(side * factor) for side in picture.shape[1::-1]))


if __name__ == "__main__":
    main()
