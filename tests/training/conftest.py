"""Tiny data for training: a few noisy photos, drawings with outlines, and a VGG of random weights."""

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from cartoonize.training.features import Features
from cartoonize.training.recipe_files import load_recipe
from cartoonize.training.settings import Settings

SIZE = 32


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Eight blurry pictures of 48x40 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(8):
        small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
        small.resize((48, 40), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def drawings(tmp_path_factory):
    """Eight pictures of 60x44 pixels, of flat shapes with black outlines."""
    folder = tmp_path_factory.mktemp("drawings")
    for number in range(8):
        draw_shapes(number).save(folder / f"{number}.webp", lossless=True)
    return folder


def draw_shapes(seed):
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (60, 44), tuple(rng.integers(100, 256, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y = rng.integers(0, 40), rng.integers(0, 28)
        fill = tuple(rng.integers(0, 256, 3).tolist())
        pen.ellipse((x, y, x + 18, y + 14), fill=fill, outline="black", width=2)
    return picture


@pytest.fixture(scope="session")
def features(tmp_path_factory):
    """The layers of vgg16 with random weights, in a file."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("features") / "vgg16.safetensors"
    save_file(Features("vgg16").state_dict(), path)
    return path


@pytest.fixture
def settings(photos, drawings, features, tmp_path):
    """Makes settings of a phase that takes a moment: `settings("pretrain", images=8, width=4)`."""

    def make(phase, *, preset="deck", **changes):
        recipe = replace(
            load_recipe(preset),
            model="cartoongan_blur",
            width=4,
            size=SIZE,
            batch=4,
            vgg="vgg16",
            discriminator_width=4,
        )
        names = set(Settings.__slots__)
        inside = {name: value for name, value in changes.items() if name not in names}
        outside = {name: value for name, value in changes.items() if name in names}
        standard = {"run": tmp_path / "run", "images": 16, "precision": "fp32", "scratch": True}
        return Settings(
            phase,
            replace(recipe, **inside),
            photos,
            style=drawings,
            features=features,
            save_every=1e9,
            log_every=4,
            **(standard | outside),
        )

    return make
