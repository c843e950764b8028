"""`train look`: prints, writes the settings and the sheet, takes films."""

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from cartoonize.cli.main import app
from cartoonize.core.opencv import load_opencv
from cartoonize.training.recipe_files import load_recipe


@pytest.fixture
def drawings(tmp_path):
    """A folder of two drawings, circles with outlines, and a blank picture."""
    folder = tmp_path / "drawings"
    folder.mkdir()
    cv2 = load_opencv()
    for number in range(2):
        picture = np.full((160, 200, 3), (240, 220, 180), np.uint8)
        cv2.circle(picture, (100, 80), 50 + 10 * number, (200, 90, 60), -1, cv2.LINE_AA)
        cv2.circle(picture, (100, 80), 50 + 10 * number, (40, 20, 10), 3, cv2.LINE_AA)
        Pillow.fromarray(picture).save(folder / f"{number}.png")
    Pillow.new("RGB", (200, 160)).save(folder / "blank.png")
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["train", "look", *map(str, arguments)])


def test_table_settings_and_sheet(drawings, tmp_path):
    """The table counts what was left out; the TOML file is a recipe; the sheet shows lines and a redrawn photo."""
    out, sheet, photos = tmp_path / "look.toml", tmp_path / "sheet.png", tmp_path / "photos"
    photos.mkdir()
    Pillow.effect_noise((120, 90), 60).convert("RGB").save(photos / "photo.png")
    result = run(drawings, "--out", out, "--sheet", sheet, "--photos", photos, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert "2 measured; left out: 1 blank" in result.output
    assert load_recipe(str(out)).look.line_darkness > 0.8
    with Pillow.open(sheet) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (640, 1600, 3)
    assert (pixels[:240] == (255, 0, 80)).all(2).any()


def test_files_are_not_replaced(drawings, tmp_path):
    """An existing file is refused before anything is measured."""
    (tmp_path / "look.toml").write_text("mine")
    result = run(drawings, "--out", tmp_path / "look.toml")
    assert result.exit_code == 1
    assert (tmp_path / "look.toml").read_text() == "mine"


def test_photos_need_a_sheet(drawings, tmp_path):
    """--photos without --sheet is an error that says so."""
    result = run(drawings, "--photos", drawings)
    assert result.exit_code == 1
