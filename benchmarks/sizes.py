"""Does a picture look the same, however large it came in? Draws photos at several sizes and compares.

    python benchmarks/sizes.py PHOTOS [--style pepper] [--detail normal] [--lines 1440] [--out DIR]

PHOTOS are pictures of real detail, or crops of them, of which `--lines` says how many lines the whole had.
Each is scaled as if it had come in at 360 to 2160 lines and drawn as `cartoonize image` draws it. Printed for
each size: the mean difference of lightness from the drawing at 720 lines (levels of 255), its line pixels as
a multiple of that one's, and the width of strong edges (10 to 90 %, in pixels of that size). `--detail full`
draws each at its own size.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from cartoonize import load
from cartoonize.core.draw_size import LINES, enlarge, resize
from cartoonize.core.frames import Backend, Image

SIZES = (360, 540, 720, 1080, 1440, 2160)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
LINE = 20  # levels that a line is darker than a Gaussian of 4 pixels around it
STRONG = 60  # levels of an edge that counts as strong


def main() -> None:
    """Draw, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--style", default="pepper")
    parser.add_argument("--detail", default="normal", choices=LINES)
    parser.add_argument("--lines", type=int, default=1440)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with load(options.style, device="cpu") as draw:
        found = {lines: [] for lines in SIZES}
        for path in options.photos:
            photo = np.asarray(Pillow.open(path).convert("RGB"))
            drawings = {
                lines: drawn(draw, scaled(photo, lines / options.lines), lines, options.detail)
                for lines in SIZES
            }
            size = drawings[720].shape[1::-1]
            for lines, drawing in drawings.items():
                found[lines].append(compare(drawing, drawings[720], size))
                if options.out:
                    Pillow.fromarray(drawing).save(options.out / f"{path.stem}-{lines}.png")
    print(f"{options.style}, {options.detail}, {len(options.photos)} photos, {draw.device}, {draw.precision}")
    print("lines  difference  line pixels  edge width")
    for lines in SIZES:
        difference, line, width = np.nanmean(found[lines], axis=0)
        print(f"{lines:5}  {difference:10.2f}  {line:11.2f}  {width:10.2f}")


def drawn(draw: Backend, source: Image, lines: int, detail: str) -> Image:
    """The drawing of a picture of so many lines, at its own size; the picture may be a crop of it."""
    wanted = LINES[detail]
    if wanted is None or wanted == lines:
        return draw(source[None])[0]
    size = tuple(4 * round(side * wanted / lines / 4) for side in source.shape[1::-1])
    return enlarge(draw(resize(source, size)[None])[0], source.shape[1::-1])


def compare(drawing: Image, reference: Image, size: tuple[int, int]) -> tuple[float, float, float]:
    """Mean difference of lightness, line pixels as a multiple, and the width of strong edges."""
    small = resize(drawing, size) if drawing.shape[1::-1] != size else drawing
    difference = np.abs(small @ LUMA - reference @ LUMA).mean()
    return difference, line_share(small) / line_share(reference), edge_width(drawing)


def line_share(picture: Image) -> float:
    """Share of the pixels that are darker than what is around them."""
    luma = (picture @ LUMA).astype(np.float32)
    return float((cv2.GaussianBlur(luma, (0, 0), 4) - luma > LINE).mean())


def edge_width(picture: Image) -> float:
    """Median pixels from 10 to 90 % of strong edges, across the steepest of rows and columns."""
    luma = (picture @ LUMA).astype(np.float32)
    gx, gy = cv2.Sobel(luma, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(luma, cv2.CV_32F, 0, 1) / 8
    low, high = (f(luma, np.ones((9, 9), np.uint8)) for f in (cv2.erode, cv2.dilate))
    steep = np.hypot(gx, gy)
    peak = (high - low > STRONG) & (steep > 1) & (steep >= cv2.dilate(steep, np.ones((5, 5), np.uint8)))
    # Of an edge of height h whose steepest slope is s, 80 % take about 0.8 h / s pixels.
    return float(np.median(0.8 * (high - low)[peak] / steep[peak])) if peak.any() else np.nan


def scaled(picture: Image, factor: float) -> Image:
    """A picture scaled by areas or bicubic."""
    return (
        resize(picture, tuple(round(side * factor) for side in picture.shape[1::-1]))
        if factor != 1
        else picture
    )


if __name__ == "__main__":
    main()
