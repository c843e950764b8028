"""`train look` prints a table, and writes settings and a sheet."""

import numpy as np
import pytest
from clips import write_film
from PIL import Image as Pillow

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


def test_table_settings_and_sheet(drawings, tmp_path, run):
    """The table counts what was left out, the TOML file is a recipe, the sheet shows lines and a photo."""
    out, sheet, photos = tmp_path / "look.toml", tmp_path / "sheet.png", tmp_path / "photos"
    photos.mkdir()
    Pillow.effect_noise((120, 90), 60).convert("RGB").save(photos / "photo.png")
    arguments = ("--out", out, "--sheet", sheet, "--photos", photos, "--workers", 1)
    code, printed, _ = run("train", "look", drawings, *arguments)
    assert code == 0
    assert "2 measured; left out: 1 blank" in printed
    assert load_recipe(str(out)).look.line_darkness > 0.8
    with Pillow.open(sheet) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (640, 1600, 3)
    assert (pixels[:240] == (255, 0, 80)).all(2).any()


def test_files_are_not_replaced(drawings, tmp_path, run):
    """An existing file is refused before anything is measured."""
    (tmp_path / "look.toml").write_text("mine")
    code, _, message = run("train", "look", drawings, "--out", tmp_path / "look.toml")
    assert code == 1
    assert "exists already; pass --overwrite (-y)" in message
    assert (tmp_path / "look.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--photos", "photos"), "--photos are for the sheet: pass --sheet too."),
        (("--sheet", "sheet.png", "--photos", "missing"), "There is no folder missing."),
    ],
)
def test_photos_for_the_sheet(drawings, workdir, run, arguments, message):
    """Photos without a sheet, and folders that do not exist, are errors that say so."""
    assert run("train", "look", drawings, *arguments)[::2] == (1, f"Error: {message} ")


def test_the_frames_of_a_film(drawings, tmp_path, run):
    """One frame per scene of a film is measured, without the blank ones."""
    shots = [np.asarray(Pillow.open(drawings / name)) for name in ("0.png", "blank.png")]
    film = write_film(tmp_path / "film.mkv", shots)
    code, printed, _ = run("train", "look", film, "--workers", 1)
    assert code == 0
    assert "1 measured" in printed
