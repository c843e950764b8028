"""The measured look is that of synthetic drawings, whose figures are known."""

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data
from skimage.color import lab2rgb

from cartoonize import TrainingError
from cartoonize.core.opencv import load_opencv
from cartoonize.training.looks import target_look, write_look
from cartoonize.training.looks.measure import measure_picture, summarise
from cartoonize.training.recipe_files import load_recipe

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


def text_card(path):
    """White words on black, as in titles of films."""
    cv2 = load_opencv()
    picture = np.zeros((240, 320, 3), np.uint8)
    for row, words in enumerate(("directed by", "somebody else", "with others")):
        cv2.putText(picture, words, (40, 80 + 40 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255,) * 3, 2)
    Pillow.fromarray(picture).save(path)
    return path


def photograph(path):
    """Part of a photo that scikit-image comes with."""
    Pillow.fromarray(data.astronaut()[:400]).save(path)
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


def test_drawings_without_lines(tmp_path):
    """If fills meet without a line, no lines are detected, and the settings draw none."""
    look = measure(draw(tmp_path / "a.png", width=0))
    assert not look.lines.are_drawn
    assert target_look(look).line_darkness == 0


def test_tones_black_and_white(tmp_path):
    """Tones are counted; the darkest and the lightest fill have the lightness with which they were drawn."""
    look = measure(draw(tmp_path / "a.png"), draw(tmp_path / "b.png", seed=1))
    assert look.tones.count == 4
    assert look.tones.black == pytest.approx(38, abs=2)
    assert look.tones.white == pytest.approx(88, abs=2)


def test_chroma_and_hue_by_lightness(tmp_path):
    """Each band of lightness has the chroma and the hue of the fills that lie in it."""
    look = measure(draw(tmp_path / "a.png"))
    for band, (_, a, b) in ((4, FILLS[0]), (3, FILLS[1]), (2, FILLS[2]), (1, FILLS[3])):
        assert look.chroma[band] == pytest.approx(np.hypot(a, b), rel=0.1)
        assert look.hue[band] == pytest.approx((a, b), abs=2)


def test_paper_is_what_most_drawings_share(tmp_path):
    """The light ground of most drawings is their paper; drawings on grounds of their own have none."""
    same = [draw(tmp_path / f"{seed}.png", seed=seed) for seed in range(3)]
    assert measure(*same).paper == pytest.approx(as_colour(FILLS[0]), abs=0.02)
    other = [
        draw(tmp_path / f"other{number}.png", fills=(ground, *FILLS[1:]))
        for number, ground in enumerate([(90, 30, 0), (90, -30, 0), (90, 0, 40)])
    ]
    assert measure(*other).paper is None


def test_ink_on_paper_becomes_ink_on_paper(tmp_path):
    """Drawings in greys on one paper are redrawn from that ink to that paper."""
    greys = ((93, 0, 3), (75, 0, 2), (50, 0, 1), (35, 0, 0))
    drawings = [draw(tmp_path / f"{seed}.png", fills=greys, seed=seed) for seed in range(2)]
    settings = target_look(measure(*drawings))
    assert settings.paper == pytest.approx(as_colour(greys[0]), abs=0.02)
    assert settings.ink == pytest.approx((0.2, 0.1, 0.05), abs=0.03)


@pytest.mark.parametrize("grain", [2.0, 5.0])
def test_grain_is_measured(tmp_path, grain):
    """Grain has the standard deviation, in levels, with which it was added."""
    assert measure(draw(tmp_path / "a.png", grain=grain)).grain == pytest.approx(grain, rel=0.1)


def test_flat_fills_and_gradients(tmp_path):
    """Flat fills count as flat, slopes as gradients."""
    flat, sloped = measure(draw(tmp_path / "a.png")), measure(draw(tmp_path / "b.png", slope=0.25))
    assert flat.fills.flat > 0.95
    assert sloped.fills.gradient > 0.9


def test_what_is_no_drawing_is_left_out_and_counted(tmp_path):
    """Blank frames, titles, photographs, thumbnails and damaged files are left out, each with its reason."""
    Pillow.new("RGB", (320, 240), "black").save(tmp_path / "blank.png")
    Pillow.new("RGB", (64, 64), "black").save(tmp_path / "small.png")
    (tmp_path / "damaged.png").write_bytes(b"PNG?")
    text_card(tmp_path / "title.png")
    photograph(tmp_path / "photo.png")
    for seed in range(5):
        draw(tmp_path / f"{seed}.png", seed=seed)
    look = measure(*sorted(tmp_path.iterdir()))
    assert look.pictures == 5
    assert look.left_out == {"blank": 1, "small": 1, "damaged": 1, "title": 1, "photograph": 1}


def test_nothing_but_blank_pictures(tmp_path):
    """If no picture is a drawing, the error counts the reasons."""
    Pillow.new("RGB", (320, 240), "white").save(tmp_path / "blank.png")
    with pytest.raises(TrainingError, match=r"None of the pictures is a drawing \(1 blank\)"):
        measure(tmp_path / "blank.png")


def test_the_file_is_a_recipe(tmp_path):
    """The TOML file that is written has the settings of the look, on the base of a built-in recipe."""
    look = measure(draw(tmp_path / "a.png"))
    write_look(tmp_path / "look.toml", look, source="drawings\nbase = 1\udcff")
    assert load_recipe(str(tmp_path / "look.toml")).look == target_look(look)
