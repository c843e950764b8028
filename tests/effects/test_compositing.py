"""Compositing: blending, colours and comparisons."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from clips import Clip, read_clip
from PIL import Image

from cartoonize import Frame, MediaError, Retouch, stylize
from cartoonize.effects.compositing import SWEEP


def noise(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def retouched(source, drawing, time=0.0, **options):
    frame = Frame(source, pts=round(1000 * time), time_base=Fraction(1, 1000))
    return Retouch(**options)(frame, replace(frame, image=drawing)).image


def test_the_defaults_change_nothing():
    """Without an option the network's own array is written, without a copy."""
    drawing = noise(seed=1)
    assert retouched(noise(), drawing) is drawing


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 0.9])
def test_strength_blends(strength):
    """A strength of 0 is exactly the source; between, each value is rounded to the nearest level."""
    source, drawing = noise(), noise(seed=1)
    result = retouched(source, drawing, strength=strength)
    expected = source + strength * (drawing.astype(float) - source)
    assert np.abs(result - expected).max() <= (0.5 if strength else 0)


def test_kept_colours_stay():
    """With --keep-colour a red car stays red: the chroma is the source's, the luma that of the drawing."""
    red = np.full((4, 4, 3), (180, 40, 50), np.uint8)
    grey = np.full((4, 4, 3), 100, np.uint8)
    result = retouched(red, grey, keep_colour=True)[0, 0].astype(int)
    assert result[0] - result[1] == 140
    assert result[2] - result[1] == 10
    assert abs(result @ [0.2126, 0.7152, 0.0722] - 100) < 1


def test_brighter_than_white_is_white():
    """Colours that would be brighter than white end at 255, and do not wrap around."""
    yellow, white = np.full((2, 2, 3), (250, 240, 0), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert retouched(yellow, white, keep_colour=True)[0, 0].tolist()[:2] == [255, 255]


def test_split_shows_the_source_left_and_the_drawing_right():
    """Both halves are unchanged, except for a light line with dark edges between them."""
    source, drawing = noise(), noise(seed=1)
    result = retouched(source, drawing, compare="split")
    assert np.array_equal(result[:, :30], source[:, :30])
    assert np.array_equal(result[:, 34:], drawing[:, 34:])
    assert (result[:, 31:33] == 255).all()


def test_a_wipe_crosses_and_returns():
    """The line begins in the middle, reaches both ends, and is back after 8 seconds."""
    source, drawing = np.zeros((8, 100, 3), np.uint8), np.full((8, 100, 3), 9, np.uint8)

    def share(time):
        return (retouched(source, drawing, time, compare="wipe") == 0).mean()

    assert share(0) == pytest.approx(0.5, abs=0.03)
    shares = [share(step / 10) for step in range(81)]
    assert max(shares) > 0.97
    assert min(shares) < 0.02
    assert share(2 * SWEEP) == share(0)


def test_side_is_twice_as_wide():
    """The source is left, the drawing right, and each keeps its opacity."""
    source, drawing, alpha = noise(), noise(seed=1), noise(seed=2)[..., 0]
    both = Retouch(compare="side")(Frame(source, alpha=alpha), Frame(drawing, alpha=alpha))
    assert np.array_equal(both.image, np.hstack([source, drawing]))
    assert np.array_equal(both.alpha, np.hstack([alpha, alpha]))
    assert Retouch(compare="side").size(64, 48) == (128, 48)


@pytest.mark.parametrize("options", [{"strength": 1.5}, {"strength": -1}, {"compare": "sid"}])
def test_wrong_values_are_refused(options):
    """Values out of range and unknown words are refused in a sentence."""
    with pytest.raises(MediaError, match=r"strength|Did you mean side"):
        Retouch(**options)


def test_arguments_do_not_change():
    """Compositing does not change its arguments, which the stabilizer remembers."""
    source, drawing = noise(), noise(seed=1)
    kept = source.copy(), drawing.copy()
    for options in ({"strength": 0.5}, {"keep_colour": True}, {"compare": "wipe"}, {"compare": "side"}):
        retouched(source, drawing, 1.0, **options)
    assert np.array_equal(source, kept[0])
    assert np.array_equal(drawing, kept[1])


@pytest.mark.parametrize("compare", ["side", "split", "wipe"])
def test_videos_are_compared(tmp_path, tiny_style, compare):
    """A comparison has all frames, each at its time and of the right size; its left part is the source."""
    clip = Clip(times=(0, 1, 2, 5, 9)).write(tmp_path / "in.mp4")
    stylize(clip, tmp_path / "out.mp4", str(tiny_style), retouch=Retouch(compare=compare))
    source, result = read_clip(clip), read_clip(tmp_path / "out.mp4")
    assert result.times == source.times
    assert result.images[0].shape[1] == (128 if compare == "side" else 64)
    left = np.abs(result.images[0][:, :24].astype(int) - source.images[0][:, :24])
    assert left.mean() < 6  # what H.264 makes of it


def test_pictures_are_compared(tmp_path, tiny_style, run):
    """A transparent picture beside its drawing is transparent in both halves."""
    picture = Image.fromarray(noise()).convert("RGB")
    picture.putalpha(Image.fromarray(noise(seed=3)[..., 0]))
    picture.save(tmp_path / "in.png")
    options = ("--style", tiny_style, "--compare", "side")
    assert run("image", tmp_path / "in.png", tmp_path / "out.png", *options)[0] == 0
    both = np.asarray(Image.open(tmp_path / "out.png"))
    assert both.shape == (48, 128, 4)
    assert np.array_equal(both[:, :64], np.asarray(picture))
    assert np.array_equal(both[:, 64:, 3], both[:, :64, 3])
