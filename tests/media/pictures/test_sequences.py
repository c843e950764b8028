"""A folder of pictures as a video, and a video as a folder of pictures."""

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from clips import Clip, convert, mean_difference, read_clip
from PIL import Image

from cartoonize import Decoding, MediaError, open_sink, open_source
from cartoonize.media.pictures.sequence_source import ImageSequenceSource


def write_numbered(folder, count=12, suffix=".png"):
    folder.mkdir()
    pictures = [Clip().image(n) for n in range(count)]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"shot-{number}{suffix}", quality=95)
    return pictures


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001)], ids=str)
def test_a_folder_of_pictures_is_a_video(tmp_path, rate):
    """Pictures are shown in the order of their numbers (2 before 10), at the rate asked for."""
    pictures = write_numbered(tmp_path / "shots")
    convert(tmp_path / "shots", tmp_path / "out.mp4", decoding=Decoding(fps=rate))
    after = read_clip(tmp_path / "out.mp4")
    assert np.allclose(after.times, [float(n / rate) for n in range(12)], atol=1e-4)
    assert mean_difference(pictures, after.images) < 3


@pytest.mark.parametrize(("start", "end"), [(-1, None), (math.nan, None), (None, math.inf), (0.2, 0.1)])
def test_a_range_that_is_none_is_refused(tmp_path, start, end):
    """A range of a folder of pictures is checked as that of a video."""
    write_numbered(tmp_path / "shots", 3)
    with pytest.raises(MediaError, match="must"):
        ImageSequenceSource(tmp_path / "shots", start=start, end=end)


def test_pictures_of_other_sizes_are_scaled_and_named(tmp_path):
    """A video has one size, that of its first picture; a notice says so once, and names one that differs."""
    write_numbered(tmp_path / "shots", 5)
    for number in (1, 2, 3):
        Image.new("RGB", (20 + number, 30)).save(tmp_path / "shots" / f"shot-{number}.png")
    report = convert(tmp_path / "shots", tmp_path / "out.mp4", decoding=Decoding(fps=Fraction(10)))
    assert ["shot-1.png is 21x30" in notice for notice in report.notices] == [True]
    assert {image.shape for image in read_clip(tmp_path / "out.mp4").images} == {(48, 64, 3)}


@pytest.mark.parametrize("target", ["new/%03d.png", "there"])
def test_a_video_becomes_pictures(tmp_path, target):
    """A name with a number pattern, or a folder, gets every frame. A notice says what is left out."""
    (tmp_path / "there").mkdir()
    source = Clip(codec="ffv1", pixel_format="yuv444p", options={}).write(tmp_path / "in.mkv")
    report = convert(source, tmp_path / target)
    made = sorted((tmp_path / target.split("/")[0]).iterdir())
    assert [path.name for path in made][:2] in (["001.png", "002.png"], ["00001.png", "00002.png"])
    assert any("neither times nor sound" in notice for notice in report.notices)
    assert mean_difference(read_clip(source).images, [np.asarray(Image.open(path)) for path in made]) < 2


def test_pictures_of_a_pipe_keep_no_sound(tmp_path, monkeypatch):
    """The sound of standard input, which pictures leave out, does not fill the memory."""
    with Clip(tones=[440]).write(tmp_path / "in.mkv").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with open_source("-") as source, open_sink(tmp_path / "%03d.png", source) as sink:
            for frame in source:
                sink.write(frame)
                assert not source.video.other_streams.packets


def test_existing_pictures_are_noticed_at_once(tmp_path):
    """If the first numbered picture exists, it is reported before a frame is drawn."""
    source = Clip().write(tmp_path / "in.mp4")
    write_numbered(tmp_path / "shots", 2)
    with open_source(source) as video, pytest.raises(MediaError, match="exists already; pass --overwrite"):
        open_sink(tmp_path / "shots" / "shot-%d.png", video)


def test_a_folder_is_not_drawn_onto_itself(tmp_path):
    """Pictures are never replaced by their own drawings, with any options."""
    write_numbered(tmp_path / "shots", 3)
    with pytest.raises(MediaError, match="source itself"):
        convert(tmp_path / "shots", tmp_path / "shots", decoding=Decoding(fps=Fraction(5)), overwrite=True)


def test_the_reduction_of_many_pictures_is_said_once(tmp_path):
    """A notice says once that the pictures of a folder are reduced."""
    write_numbered(tmp_path / "shots", 5)
    decoding = Decoding(fps=Fraction(10), max_size=32)
    report = convert(tmp_path / "shots", tmp_path / "out.mp4", decoding=decoding)
    assert report.notices == ["shots is reduced from 64x48 to 32x24 pixels."]
    assert {image.shape for image in read_clip(tmp_path / "out.mp4").images} == {(24, 32, 3)}


def test_a_folder_names_what_is_no_picture(tmp_path):
    """As a video, too, a folder tells what it leaves out."""
    Image.new("RGB", (32, 32)).save(tmp_path / "1.png")
    for name in ("a.mov", "b.mov", "c.heic2"):
        (tmp_path / name).write_text("no picture")
    with ImageSequenceSource(tmp_path) as source:
        assert len(list(source)) == 1
        assert f"2 MOV files and 1 HEIC2 file in {tmp_path} were left out." in source.notices
