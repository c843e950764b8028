"""`--max-size`: videos and pictures are made smaller, in their proportions."""

import numpy as np
import pytest
from clips import Clip, read_clip
from pictures import make_picture, save_picture
from PIL import Image

from cartoonize import Decoding, stylize


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((64, 48), 32, (32, 24)),
        ((48, 64), 33, (24, 32)),
        ((64, 48), 64, (64, 48)),
        ((64, 48), 500, (64, 48)),
    ],
)
def test_a_video_is_made_smaller(tmp_path, tiny_style, size, longest, expected):
    """The longer side is at most --max-size, both sides are even, times stay, and nothing is enlarged."""
    clip = Clip(size=size, times=(0, 1, 2, 5, 9)).write(tmp_path / "in.mp4")
    report = stylize(clip, tmp_path / "out.mp4", str(tiny_style), decoding=Decoding(max_size=longest))
    result = read_clip(tmp_path / "out.mp4")
    assert result.images[0].shape[1::-1] == expected
    assert result.times == read_clip(clip).times
    assert any("is reduced from" in notice for notice in report.notices) == (size != expected)


def test_a_turned_video_is_made_smaller(tmp_path, tiny_style):
    """A video that is filmed sideways is turned and made smaller."""
    clip = Clip(size=(64, 48), rotation=90).write(tmp_path / "in.mp4")
    stylize(clip, tmp_path / "out.mp4", str(tiny_style), decoding=Decoding(max_size=32))
    assert read_clip(tmp_path / "out.mp4").images[0].shape[:2] == (32, 24)


def test_a_smaller_video_looks_the_same(tmp_path):
    """Flat areas keep their tone, and what moves stays where it was."""
    clip = Clip(size=(128, 96)).write(tmp_path / "in.mp4")
    stylize(clip, tmp_path / "out.mp4", "null", decoding=Decoding(max_size=64))
    small, whole = read_clip(tmp_path / "out.mp4").images[3], read_clip(clip).images[3]
    expected = np.asarray(Image.fromarray(whole).resize((64, 48), Image.Resampling.BOX), float)
    assert np.abs(small - expected).mean() < 2


def test_a_picture_is_made_smaller(tmp_path, tiny_style, run):
    """A picture is made smaller with its transparency; the note states both sizes."""
    picture = Image.fromarray(make_picture(60, 90))
    picture.putalpha(128)
    source = save_picture(tmp_path / "in.png", picture)
    command = ("image", source, tmp_path / "out.png", "--style", tiny_style, "--max-size", 45)
    code, _, messages = run(*command)
    assert code == 0
    assert "from 60x90 to 30x45" in messages
    with Image.open(tmp_path / "out.png") as result:
        assert (result.size, result.mode) == ((30, 45), "RGBA")


def test_too_small_is_refused(tmp_path, run):
    """A --max-size that leaves no pixel is refused in a sentence."""
    code, _, messages = run("image", save_picture(tmp_path / "in.png"), tmp_path / "out.png", "--max-size", 3)
    assert code == 1
    assert "--max-size begins at 16" in messages
