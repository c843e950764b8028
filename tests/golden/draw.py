"""Draws the golden pictures, after a style was trained and inspected: python tests/golden/draw.py."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from skimage.transform import resize

from cartoonize import load
from cartoonize.core.choices import Precision
from cartoonize.styles import builtin_styles

INT8_STYLES = ("pepper", "ink", "storybook", "watercolour", "sepia", "comic")  # the styles for video


def portrait() -> np.ndarray:
    """NASA's portrait of Eileen Collins, which scikit-image contains, 64x64."""
    crop = data.astronaut()[:256, 100:356]
    return (resize(crop, (64, 64), anti_aliasing=True) * 255).round().astype(np.uint8)


def save(name: str, precision: Precision, file: str) -> None:
    """Write the golden picture of a style."""
    drawn = load(name, device="cpu", precision=precision)(portrait()[None])[0]
    Image.fromarray(drawn).save(Path(__file__).parent / file, lossless=True, quality=100, method=6)


if __name__ == "__main__":
    for name in builtin_styles():
        save(name, "fp32", f"{name}.webp")
    for name in INT8_STYLES:
        save(name, "int8", f"{name}.int8.webp")
