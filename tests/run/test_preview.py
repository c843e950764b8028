"""Contact sheets: moments of a video, and a picture in every style."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from clips import Clip
from PIL import Image

from cartoonize import Frame, load
from cartoonize.media.reading.video_reader import VideoReader
from cartoonize.run import preview
from cartoonize.run.preview import Cell, draw_sheet, draw_style_sheet, preview_video


@pytest.fixture
def clip(tmp_path):
    """Half a minute at 4 frames a second that gets brighter."""
    images = [np.full((48, 64, 3), 2 * number, np.uint8) for number in range(120)]
    return Clip(times=tuple(range(120)), time_base=Fraction(1, 4), images=images, options={"g": "8"}).write(
        tmp_path / "in.mp4"
    )


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_preview_shows_moments_evenly_spread(clip, tmp_path, run):
    """Each source is above its drawing, from dark to bright, as in the video."""
    code, _, messages = run("video", clip, tmp_path / "look.png", "--preview", 4, "--style", "null")
    assert code == 0
    assert "look.png" in messages
    picture = pixels(tmp_path / "look.png")
    tones = [picture[top, left, 0] for top in (12 + 24, 12 + 24 + 54) for left in (44, 120)]
    assert tones[0] == tones[2]  # above and below: the null style changes nothing
    assert 20 < tones[0] < tones[1] < 110


def test_no_moment_has_sixty_seconds():
    """The label of a moment just before a full minute is that minute."""
    assert [preview._clock(seconds) for seconds in (59.97, 3599.97, 83.5)] == [
        "1:00.0",
        "1:00:00.0",
        "1:23.5",
    ]


def test_a_preview_of_a_comparison_shows_it_once(clip, tmp_path, run):
    """With --compare the sheet shows only the comparison."""
    for name, more in (("a.png", ()), ("b.png", ("--compare", "split"))):
        assert run("video", clip, tmp_path / name, "--preview", 1, "--style", "null", *more)[0] == 0
    assert pixels(tmp_path / "b.png").shape < pixels(tmp_path / "a.png").shape


def test_a_preview_decodes_a_little_of_a_long_clip(clip, tmp_path, monkeypatch):
    """A preview seeks to each moment, and decodes no distant frames."""
    decoded = []
    original = VideoReader._decode

    def counted(self):
        for frame in original(self):
            decoded.append(frame)
            yield frame

    monkeypatch.setattr(VideoReader, "_decode", counted)
    preview_video(clip, tmp_path / "look.png", partial(load, "null"), count=2)
    assert len(decoded) < 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("in.mp4", "out.mp4", "--preview", "4"), "A preview is a picture: name out.png"),
        (("in.mp4", "out.png", "--preview", "0"), "from 1 to 100 moments"),
        (("-", "out.png", "--preview", "4"), "has to seek"),
        (("in.mp4", "in.mp4", "out.png", "--preview", "4"), "is for one video"),
        (("gone.mp4", "out.png", "--preview", "4"), "There is no file"),
        (("in.mp4", "out.png", "--preview", "4", "--json", "--watch"), "leave --json and --watch out"),
    ],
)
def test_what_cannot_be_previewed(clip, tmp_path, run, monkeypatch, arguments, message):
    """One sentence says what to do, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    code, _, messages = run("video", *arguments, "--style", "null")
    assert code == 1
    assert message in messages
    assert not (tmp_path / "out.png").exists()


def test_an_existing_picture_stays(clip, tmp_path, run):
    """A preview replaces a file only with --overwrite."""
    (tmp_path / "out.png").write_bytes(b"mine")
    assert run("video", clip, tmp_path / "out.png", "--preview", 1, "--style", "null")[0] == 1
    assert (tmp_path / "out.png").read_bytes() == b"mine"
    assert run("video", clip, tmp_path / "out.png", "--preview", 1, "--style", "null", "-y")[0] == 0


def test_a_picture_is_shown_in_every_style(clip, tmp_path, run):
    """`styles preview` shows a picture, or the middle of a video, as it is and in each style."""
    Image.new("RGB", (40, 30), (200, 120, 60)).save(tmp_path / "in.png")
    for source in (tmp_path / "in.png", clip):
        assert run("styles", "preview", source, tmp_path / "all.png", "-y")[0] == 0
        assert pixels(tmp_path / "all.png").shape[1] > 80


def test_a_sheet_has_about_as_many_rows_as_columns():
    """Nine cells make three rows of three; large pictures are reduced, small ones are not enlarged."""
    picture = Frame(np.zeros((100, 2000, 3), np.uint8)).image
    made = draw_sheet([Cell((picture,), "a")] * 9)
    assert made.width == 3 * (480 + 12) + 12
    assert made.height < made.width / 3


@pytest.mark.parametrize(
    ("styles", "columns", "rows"), [(1, 3, 2), (5, 3, 3), (6, 5, 2), (8, 4, 3), (9, 5, 3)]
)
def test_a_sheet_of_styles_has_no_holes_in_its_rows(styles, columns, rows):
    """The photo is as large as four drawings, and the grid has as few empty places as possible."""
    photo, drawing = np.full((30, 40, 3), 0, np.uint8), np.full((30, 40, 3), 128, np.uint8)
    sheet = draw_style_sheet(Cell((photo,), ""), [Cell((drawing,), "")] * styles)
    step = 40 + 12, 30 + 6 + 20 + 12
    assert sheet.size == (columns * step[0] + 12, rows * step[1] + 12)
    pixels = np.asarray(sheet.convert("L"))
    seen = pixels[12 + 15 :: step[1], 12 + 20 :: step[0]]
    assert (seen[:2, :2] == 0).all()
    assert (seen == 128).sum() == styles
