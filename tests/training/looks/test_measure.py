"""The look that is measured is that of the drawings: synthetic ones, whose figures are known."""

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.color import lab2rgb

from cartoonize.core.opencv import load_opencv
from cartoonize.training.looks.measure import measure_picture, summarise

FILLS = ((88, 2, 8), (72, 15, 30), (55, -25, 12), (38, 10, -28))  # Lab


def as_colour(lab):
    return lab2rgb(np.array(lab, float))


def draw(path, width=3.0, ink=(0.2, 0.1, 0.05), fills=FILLS, seed=0, grain=0.0, slope=0.0):
    """Ovals of `fills` on a ground of the first, outlined `width` pixels wide; drawn eight times as large."""
    cv2, rng, large = load_opencv(), np.random.default_rng(seed), 8
    picture = np.empty((240 * large, 320 * large, 3), np.float32)
    picture[:] = as_colour(fills[0])
    for number in range(6):
        centre = (70 + 90 * (number % 3)) * large, (65 + 110 * (number // 3)) * large
        axes = tuple(int(side * large) for side in rng.uniform(28, 38, 2))
        angle = float(rng.uniform(0, 180))
        fill = as_colour(fills[1 + number % (len(fills) - 1)]).tolist()
        cv2.ellipse(picture, centre, axes, angle, 0, 360, fill, -1)
        if width:
            line = tuple(float(channel) for channel in ink)
            cv2.ellipse(picture, centre, axes, angle, 0, 360, line, round(width * large))
    picture = cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA)
    picture = (
        picture
        + slope * np.linspace(-160, 160, 320)[:, None] / 255
        + grain / 255 * rng.normal(size=(240, 320, 1))
    )
    Pillow.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8)).save(path)
    return path


def measure(*paths):
    return summarise([measure_picture(path) for path in paths])


@pytest.mark.parametrize("width", [1.5, 2.0, 3.0, 5.0])
def test_width_and_colour_of_lines(tmp_path, width):
    """Lines have the width, in pixels, and the colour with which they were drawn, within a tenth."""
    look = measure(draw(tmp_path / "a.png", width), draw(tmp_path / "b.png", width, seed=1))
    assert look.lines.are_drawn
    assert look.lines.width == pytest.approx(width, rel=0.1)
    assert look.lines.ink == pytest.approx((0.2, 0.1, 0.05), abs=0.03)
    assert look.lines.darkness > 0.9
