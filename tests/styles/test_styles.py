"""The built-in styles draw what they drew when people inspected them, and say where they come from."""

import json
import platform
from pathlib import Path

import numpy as np
import pytest
from golden import draw
from PIL import Image
from skimage.filters import sobel

from cartoonize import load
from cartoonize.models.checkpoint import load_style
from cartoonize.models.cost import multiplications
from cartoonize.styles import DEFAULT, builtin_styles
from cartoonize.styles.card import read_header

GOLDEN = Path(__file__).parents[1] / "golden"
OWN_COLOURS = {"comic", "ink", "storybook", "watercolour", "sepia"}  # drawn in colours of their own


@pytest.fixture(scope="module")
def portrait():
    """The photo of the golden pictures."""
    return draw.portrait()


@pytest.mark.parametrize("name", builtin_styles())
def test_cards_say_where_a_style_comes_from(name):
    """Each card names the data, their credit, the licence of the weights, and how to train it again."""
    card = read_header(builtin_styles()[name]).card
    assert card.name == name
    for text in (card.summary, card.licence, card.data, card.credit, card.recipe):
        assert text not in ("", "unknown")
    assert "cartoonize train" in card.recipe
    assert {"flicker_ratio", "colour_shift", "flatness_ratio", "contours_kept"} <= set(card.figures)


@pytest.mark.parametrize("name", builtin_styles())
def test_a_style_draws_what_it_drew(name, portrait):
    """A built-in style draws its golden picture on the CPU in float32, to two levels."""
    drawn = load(name, device="cpu", precision="fp32")(portrait[None])[0]
    golden = np.asarray(Image.open(GOLDEN / f"{name}.webp"))
    assert np.abs(drawn.astype(int) - golden).max() <= 2


@pytest.mark.parametrize("name", draw.INT8_STYLES)
def test_integers_draw_the_same_everywhere(name, portrait):
    """On CPUs the styles for video draw in int8, the same bytes on x86 and ARM, nearly so on others."""
    backend = load(name, device="cpu")
    assert backend.precision == "int8"
    drawn = backend(portrait[None])[0]
    golden = np.asarray(Image.open(GOLDEN / f"{name}.int8.webp"))
    tried = platform.machine().lower() in ("x86_64", "amd64", "aarch64", "arm64")
    assert np.percentile(np.abs(drawn.astype(int) - golden), 100 if tried else 99) <= (0 if tried else 2)


@pytest.mark.parametrize("name", builtin_styles())
def test_a_style_has_a_preview_and_a_report(name):
    """Each style has a preview, and a quality report with the figures of its card."""
    path = builtin_styles()[name]
    with Image.open(path.with_suffix(".webp")) as preview:
        assert min(preview.size) >= 200
    report = json.loads(path.with_suffix(".json").read_text())
    for figure, value in read_header(path).card.figures.items():
        assert value == pytest.approx(report["figures"][figure], rel=1e-3)


def test_all_styles_together_are_small():
    """A download of the package brings less than 12 MB of weights."""
    assert sum(path.stat().st_size for path in builtin_styles().values()) < 12e6


@pytest.mark.parametrize("name", builtin_styles())
def test_a_style_is_a_cartoon(name, portrait):
    """Texture is flattened; in the styles that keep colours these stay near the photo's."""
    rng = np.random.default_rng(0)
    grainy = np.clip(portrait + rng.normal(0, 6, portrait.shape), 0, 255).astype(np.uint8)
    drawn = load(name, device="cpu")(grainy[None])[0]
    weak = [(sobel(picture.mean(2)) < 3).mean() for picture in (grainy, drawn)]
    assert weak[1] > 1.3 * weak[0]
    if name not in OWN_COLOURS:
        assert np.abs(drawn.mean((0, 1)) - portrait.mean((0, 1))).max() < 15


def test_the_default_is_swift():
    """At most 8 GMAC (16 GFLOP) for a 1280x720 frame, counted from the convolutions that really run."""
    generator, _ = load_style(builtin_styles()[DEFAULT])
    assert multiplications(generator, 720, 1280) <= 8e9
