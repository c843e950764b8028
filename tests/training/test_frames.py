"""Films become frames."""

import csv
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import write_film
from noise import noise
from PIL import Image
from processes import file_limit

from cartoonize.core.errors import CartoonizeError, MediaError, SpaceError
from cartoonize.training.frames import (
    Extraction,
    difference_hash,
    find_active_area,
    find_scenes,
    grab,
    is_blank,
)


def picture(seed, width=160, height=90):
    small = Image.fromarray(noise(3, 5, seed=seed))
    return np.asarray(small.resize((width, height), Image.Resampling.NEAREST))


def rows(out):
    with (out / "manifest.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_full_disk_leaves_no_half_frame(tmp_path):
    """If a frame cannot be written, the error is a sentence, and neither it nor a list of frames is left."""
    source = write_film(tmp_path / "film.mp4", [picture(1)])
    refused = pytest.raises(SpaceError, match=r"^Cannot write .*/out/00-film-.*\.png: File too large")
    with file_limit(100), refused:
        list(Extraction(tmp_path / "out", size=64).run([source]))
    assert list((tmp_path / "out").iterdir()) == []


def test_one_frame_a_scene_without_bars(tmp_path):
    """Three shots with letterbox bars become three square frames without bars, listed in the manifest."""
    shots = [np.pad(picture(seed), ((12, 12), (0, 0), (0, 0))) for seed in (1, 2, 3)]
    source = write_film(tmp_path / "film.mp4", shots)
    (count,) = Extraction(tmp_path / "out", size=64).run([source])
    assert (count.scenes, count.kept) == (3, 3)
    listed = rows(tmp_path / "out")
    assert [row["film"] for row in listed] == ["film.mp4"] * 3
    assert [int(row["scene"]) for row in listed] == [0, 1, 2]
    assert [float(row["time"]) for row in listed] == pytest.approx([1, 3, 5], abs=0.2)
    for row, seed in zip(listed, (1, 2, 3), strict=True):
        frame = np.asarray(Image.open(tmp_path / "out" / row["file"]))
        assert frame.shape == (64, 64, 3)
        expected = Image.fromarray(picture(seed)[:, 35:125]).resize((64, 64))
        assert np.abs(frame.astype(int) - np.asarray(expected)).mean() < 12


def test_blanks_and_repetitions_are_dropped(tmp_path):
    """A black shot and a repeated shot, in this film or an earlier one, are left out."""
    first = write_film(
        tmp_path / "a.mp4", [picture(1), np.zeros((90, 160, 3), np.uint8), picture(2), picture(1)]
    )
    second = write_film(tmp_path / "b.mp4", [picture(2), picture(4)])
    a, b = Extraction(tmp_path / "out", size=64).run([first, second])
    assert (a.kept, a.blank, a.repeated) == (2, 1, 1)
    assert (b.kept, b.blank, b.repeated) == (1, 0, 1)
    assert len(list((tmp_path / "out").glob("*.png"))) == len(rows(tmp_path / "out")) == 3


def test_several_frames_a_scene(tmp_path):
    """A film without a cut is one scene; frames of it are spread evenly."""
    with_motion = [np.roll(picture(5), 12 * step, 1) for step in range(8)]
    source = write_film(tmp_path / "film.mp4", with_motion, length=3)
    (count,) = Extraction(tmp_path / "out", size=64, per_scene=3, threshold=200).run([source])
    assert count.scenes == 1
    assert count.kept + count.repeated == 3
    assert count.kept >= 2


def test_film_without_video(tmp_path):
    """A file with only sound is refused; the error names it."""
    path = tmp_path / "song.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(CartoonizeError, match=r"song\.mp4"):
        list(Extraction(tmp_path / "out").run([path]))


def test_a_bad_film_is_named_first(tmp_path):
    """A film that cannot be read is named before any frames are extracted."""
    good, bad = write_film(tmp_path / "good.mp4", [picture(1)]), tmp_path / "bad.mp4"
    bad.write_bytes(b"no film")
    with pytest.raises(CartoonizeError, match=r"bad\.mp4"):
        next(Extraction(tmp_path / "out").run([good, bad]))
    assert not list((tmp_path / "out").glob("*.png"))


def test_damaged_moment_is_counted(tmp_path, monkeypatch):
    """A moment that cannot be decoded is counted, and the others are taken."""
    source = write_film(tmp_path / "film.mp4", [picture(seed) for seed in (1, 2, 3)])

    def grab_some(path, time):
        if 2 < time < 4:
            raise MediaError("damaged")
        return grab(path, time)

    monkeypatch.setattr("cartoonize.training.frames.grab", grab_some)
    (count,) = Extraction(tmp_path / "out", size=64).run([source])
    assert (count.kept, count.failed) == (2, 1)


def test_pixels_are_made_square(tmp_path):
    """An anamorphic film's frames are as wide as they are shown."""
    path = tmp_path / "wide.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(1), "rgb24")))
        container.mux(stream.encode(None))
    assert grab(path, 0.0).shape == (90, 213, 3)


@pytest.mark.parametrize("content", [None, b"", b"no film"])
def test_what_is_no_film_is_named(tmp_path, content):
    """A missing, empty or damaged film is refused; the error names it."""
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CartoonizeError, match=r"film\.mp4"):
        list(Extraction(tmp_path / "out").run([path]))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc lists open files")
def test_a_film_that_cannot_be_searched_is_closed(tmp_path):
    """An error of the search for scenes leaves no open file, even while its traceback exists."""
    path = tmp_path / "film.mp4"
    path.write_bytes(b"no film")
    with pytest.raises(CartoonizeError, match="Cannot find scenes") as error:
        find_scenes(path, 27.0)
    targets = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    assert str(path) not in targets
    assert error.value.__traceback__


def test_a_dark_scene_is_not_a_bar():
    """Bars are what stays black in all frames; one dark frame does not crop the others."""
    bright = np.pad(picture(1), ((20, 20), (0, 0), (0, 0)))
    dark = np.zeros_like(bright)
    dark[60:70, 80:90] = 200
    assert find_active_area([bright, dark]) == (slice(20, 110), slice(0, 160))
    assert find_active_area([np.zeros_like(bright)]) == (slice(None), slice(None))


def test_hash_survives_compression():
    """The hashes of a picture and a noisy, brighter copy differ little; those of two pictures much."""
    noisy = picture(1, 90) + np.random.default_rng(0).normal(8, 4, (90, 90, 3))
    noisy = np.clip(noisy, 0, 255).astype(np.uint8)
    hashes = [difference_hash(p) for p in (picture(1, 90), noisy, picture(2, 90))]
    assert (hashes[0] ^ hashes[1]).bit_count() < 6
    assert (hashes[0] ^ hashes[2]).bit_count() > 12


def test_white_and_black_frames_are_blank():
    """White and black frames are blank, a picture is not."""
    assert is_blank(np.full((8, 8, 3), 255, np.uint8))
    assert not is_blank(picture(1))
