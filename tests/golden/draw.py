"""Draws the golden pictures anew, after a style was trained and looked at: python tests/golden/draw.py."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from skimage.transform import resize

from cartoonize import load
from cartoonize.styles import builtin


def portrait() -> np.ndarray:
    """NASA's portrait of Eileen Collins, as scikit-image brings it, 128x128."""
    crop = data.astronaut()[:256, 100:356]
    return (resize(crop, (128, 128), anti_aliasing=True) * 255).round().astype(np.uint8)


if __name__ == "__main__":
    for name in builtin():
        drawn = load(name, device="cpu", precision="fp32")(portrait()[None])[0]
        Image.fromarray(drawn).save(Path(__file__).parent / f"{name}.png", optimize=True)
