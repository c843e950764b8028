"""The quality report."""

import json
import os
import re
import shutil
import sys

import cv2
import numpy as np
import pytest
import torch
from clips import write_film
from noise import noise
from PIL import Image
from safetensors.torch import load_file
from train_command import train

from cartoonize.core.errors import CartoonizeError
from cartoonize.styles.card import read_header
from cartoonize.training.evaluation.distances import frechet_distance, inception_distances
from cartoonize.training.evaluation.evaluate import evaluate
from cartoonize.training.evaluation.figures import (
    FigureSums,
    colour_shift,
    contours_kept,
    faint_gains,
    flatness,
    rough_edges,
)
from cartoonize.training.evaluation.flicker import estimate_motion, flicker, unexplained_change


def texture(height=96, width=128):
    """Smooth enough for optical flow, with structure everywhere."""
    small = Image.fromarray(noise(height // 8, width // 8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def test_motion_is_not_flicker():
    """The motion of a picture by three pixels is explained, except for interpolation."""
    still = texture(96, 160)
    earlier, later = still[:, 10:138], still[:, 13:141]
    flow, visible = estimate_motion(earlier, later)
    assert visible.mean() > 0.8
    assert np.median(flow[visible], axis=0) == pytest.approx([3, 0], abs=0.3)
    assert unexplained_change(earlier, later, flow, visible) < 2
    assert np.abs(earlier.astype(int) - later).mean() > 10


def test_flicker_of_a_style():
    """Flicker measures a style whose brightness swings by ten levels on a still source."""
    swing = iter([0, 10, 0, 10])
    still = texture() // 2
    figures = flicker(lambda images: images + np.uint8(next(swing)), [still] * 4)
    assert figures["flicker_output"] == pytest.approx(10, abs=0.1)
    assert figures["flicker_source"] == pytest.approx(0, abs=0.01)


def test_hidden_pixels_are_left_out():
    """Pixels of a new scene were not visible in the one before."""
    _, visible = estimate_motion(texture(), np.roll(texture(), 60, 1)[::-1].copy())
    assert visible.mean() < 0.5


def test_colour_shift_is_broad():
    """A tint shifts colours by its distance in Lab; a fine checkerboard does not."""
    grey = np.full((64, 64, 3), 119, np.uint8)  # L = 50
    lighter = np.full((64, 64, 3), 145, np.uint8)  # L = 60
    board = grey + np.uint8(20) * (np.indices((64, 64)).sum(0) % 2).astype(np.uint8)[..., None] - np.uint8(10)
    assert colour_shift(grey, lighter) == pytest.approx(10, abs=0.5)
    assert colour_shift(grey, board) < 0.5


def test_half_a_picture_of_noise_is_half_flat():
    """Half a picture of noise is half flat."""
    picture = np.full((40, 40, 3), 100, np.uint8)
    picture[:, 20:] = np.random.default_rng(0).integers(0, 256, (40, 20, 1), np.uint8)
    assert flatness(picture) == pytest.approx(0.5, abs=0.05)


def test_contours_may_move_by_two_pixels():
    """A contour that is kept or moves by two pixels counts; one that is gone or far away does not."""
    square = np.full((60, 60, 3), 255, np.uint8)
    square[20:40, 20:40] = 0
    assert contours_kept(square, square) == 1
    assert contours_kept(square, np.roll(square, 2, 1)) > 0.95
    assert contours_kept(square, np.full_like(square, 255)) == 0
    assert contours_kept(square, np.roll(square, 8, (0, 1))) < 0.5


def test_no_change_is_no_figure():
    """A style that changes nothing shifts no colour, flattens nothing and keeps all contours."""
    sums = FigureSums()
    sums.add(texture(), texture())
    figures = sums.figures()
    assert figures["colour_shift"] == 0
    assert figures["flatness_ratio"] == figures["contours_kept"] == 1


def mist(contrast):
    """A broad bump on a plain ground, 720 lines, whose lightness differs by `contrast` levels."""
    y, x = np.mgrid[:720, :960]
    bump = np.exp(-(((x - 480) / 12) ** 2 + ((y - 360) / 12) ** 2) / 2)
    return np.repeat((120 + contrast * bump)[..., None], 3, 2).round().astype(np.uint8)


@pytest.mark.parametrize(("kept", "expected"), [(20, 1.0), (10, 0.5), (0, 0.0)])
def test_faint_structures_are_weighed(kept, expected):
    """A mountain in mist drawn with half its contrast has a gain of a half; one left out has none."""
    gains = faint_gains(mist(20), mist(kept))
    assert gains.size
    assert np.median(gains) == pytest.approx(expected, abs=0.06)


def test_edges_count_in_rough_places_only():
    """Gravel counts, a straight fence and a plain wall do not; a drawing without lines has none."""
    rng = np.random.default_rng(0)
    gravel = cv2.GaussianBlur(rng.integers(0, 256, (720, 960), np.uint8), (0, 0), 1.5)
    gravel = cv2.normalize(gravel, None, 0, 255, cv2.NORM_MINMAX)
    fence = np.broadcast_to(np.where(np.arange(960) % 8 < 4, 40, 200).astype(np.uint8), (720, 960))
    plain = np.full((720, 960, 3), 128, np.uint8)
    rough = np.repeat(gravel[..., None], 3, 2)
    before, after = rough_edges(rough, plain)
    assert before > 10
    assert after == 0
    assert rough_edges(np.repeat(fence[..., None], 3, 2), rough) == (0, 0)
    assert rough_edges(plain, rough) == (0, 0)


def test_frechet_distance_of_normal_distributions():
    """The distance of samples is near its closed form: the squares of shift and difference of deviations."""
    rows = np.random.default_rng(0).normal(size=(20000, 3))
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(rows, 2 * rows + [3, 0, 0]) == pytest.approx(9 + 3, rel=0.03)


def write_clip(path, frames):
    """Frames of a texture moving by two pixels each."""
    still = texture(96, 160)
    return write_film(path, [still[:, 2 * step : 2 * step + 128] for step in range(frames)], length=1)


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", 6)


def test_the_report_is_a_table_and_json(photos, drawings, features, clip, tmp_path):
    """The command prints a table and writes the figures as JSON, with notes on what was left out."""
    out = tmp_path / "report.json"
    data = ["--photos", photos, "--style", drawings, "--video", clip, "--features", features]
    printed = train("evaluate", "null", *data, "--count", 2, "--out", out).output
    report = json.loads(out.read_text())
    assert report["figures"]["flicker_ratio"] == 1
    assert report["figures"]["colour_shift"] == 0
    assert report["figures"]["frechet_vgg16_output"] == pytest.approx(
        report["figures"]["frechet_vgg16_source"]
    )
    assert any("FID" in note for note in report["notes"])
    assert "flicker, unstabilized" in printed


def test_a_style_is_measured(photos, tiny_style):
    """The figures of a style that changes pictures show the change."""
    report = evaluate(str(tiny_style), photos, device="cpu")
    assert report.figures["colour_shift"] > 0
    assert report.figures["pictures"] == 8
    assert torch.is_grad_enabled()


def evaluate_style(*words):
    train("evaluate", *words, "--count", 2, "--device", "cpu")


def test_figures_go_onto_the_card(photos, tiny_style, tmp_path):
    """`--onto-card` writes the figures into the style file and leaves its weights and the rest alone."""
    style = tmp_path / "mine.safetensors"
    shutil.copy(tiny_style, style)
    evaluate_style(style, "--photos", photos, "--onto-card")
    card = read_header(style).card
    assert (card.name, card.licence) == ("tiny", "CC0")
    assert {"colour_shift", "flatness_ratio", "gflop_720p"} <= card.figures.keys()
    before, after = load_file(tiny_style), load_file(style)
    assert all(torch.equal(after[name], weights) for name, weights in before.items())


def test_an_existing_report_is_kept(photos, tmp_path):
    """An existing quality.json is replaced only with --overwrite, and the refusal comes before the work."""
    out = tmp_path / "quality.json"
    out.write_text("earlier")
    with pytest.raises(CartoonizeError, match="exists already; pass --overwrite"):
        evaluate_style("null", "--photos", "missing", "--out", out)
    assert out.read_text() == "earlier"
    evaluate_style("null", "--photos", photos, "--out", out, "-y")
    assert json.loads(out.read_text())["style"] == "null"


def test_a_missing_style_is_named(photos):
    """A style that does not exist is the error, not the folder that its figures would go to."""
    with pytest.raises(CartoonizeError, match="There is no style 'runs/none'"):
        evaluate_style("runs/none", "--photos", photos)


def test_an_installed_card_is_kept(photos, tiny_style, tmp_path):
    """`--onto-card` changes a built-in style, or figures that a card has, only with --overwrite."""
    out = ("--out", tmp_path / "quality.json")
    with pytest.raises(CartoonizeError, match="installed with this program"):
        evaluate_style("ink", "--photos", photos, "--onto-card", *out)
    style = tmp_path / "mine.safetensors"
    shutil.copy(tiny_style, style)
    evaluate_style(style, "--photos", photos, "--onto-card", *out)
    with pytest.raises(CartoonizeError, match="has figures"):
        evaluate_style(style, "--photos", photos, "--onto-card", "--out", tmp_path / "other.json")
    evaluate_style(style, "--photos", photos, "--onto-card", *out, "-y")


def test_what_cannot_be_measured_is_a_note(drawings, tmp_path):
    """A clip of one frame, photos without contours and a damaged drawing are noted; the rest is measured."""
    plain, artist = tmp_path / "plain", tmp_path / "artist"
    plain.mkdir()
    Image.new("RGB", (64, 64), "grey").save(plain / "grey.png")
    shutil.copytree(drawings, artist)
    (artist / "bad.png").write_text("no picture")
    clip = write_clip(tmp_path / "one.mp4", 1)
    report = evaluate("null", plain, drawings=artist, clip=clip)
    assert report.figures["flatness_ratio"] == 1
    assert "contours_kept" not in report.figures
    notes = " ".join(report.notes)
    for words in ("contours kept", "two frames", "bad.png", "two pictures"):
        assert words in notes


@pytest.mark.parametrize("name", ["", "0.png", "missing.mp4"])
def test_what_is_no_clip_is_refused(photos, name):
    """A folder, a picture or a missing file in the place of a clip is refused in a sentence."""
    path = photos / name
    with pytest.raises(CartoonizeError, match=re.escape(str(path))):
        evaluate("null", photos, clip=path)


def test_the_packages_of_fid_are_named(monkeypatch):
    """Without torchmetrics an error says what to install."""
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(CartoonizeError, match=r'pip install "cartoonize\[train\]"'):
        inception_distances({}, torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))


def test_weights_for_fid_run_no_code(photos, tmp_path):
    """Code in a file of weights for FID is not run; torch-fidelity, which uses them, would run it."""

    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"weights": Harm()}, tmp_path / "inception.pth")
    with pytest.raises(CartoonizeError, match=r"could run any code.*and use that"):
        evaluate("null", photos, metric_weights=tmp_path / "inception.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("weights", ["features", "metric_weights"])
def test_missing_weights_are_named_before_the_photos_are_measured(photos, drawings, tmp_path, weights):
    """A missing file of weights is named before the photos are measured."""
    measured = []
    with pytest.raises(CartoonizeError, match=r"none\.safetensors"):
        evaluate(
            "null", photos, drawings=drawings, progress=lambda *number: measured.append(number),
            **{weights: tmp_path / "none.safetensors"},
        )  # fmt: skip
    assert not measured
