"""Pictures are drawn at one size, and keep their own."""

import cv2
import numpy as np
import pytest
from clips import Clip
from noise import noise
from PIL import Image

from cartoonize import Decoding, MediaError, Retouch, load, open_source, stylize
from cartoonize.core.draw_size import draw_size, enlarge, resize, resize_to_draw_size, resolve_detail
from cartoonize.core.frames import Frame
from cartoonize.media import VideoSource


def scene(lines):
    """A disc and a bar on a gradient, anti-aliased, at `lines` lines."""
    big = np.zeros((2160, 2880, 3), np.uint8)
    big[:] = np.linspace(150, 200, 2880)[None, :, None]
    cv2.circle(big, (900, 1080), 500, (40, 60, 200), -1, cv2.LINE_AA)
    cv2.line(big, (1600, 300), (2500, 1900), (30, 20, 20), 9, cv2.LINE_AA)
    return resize(big, (lines * 4 // 3, lines)) if lines != 2160 else big


def edge_width(row):
    """Pixels from 10 to 90 % of the steepest rise in a row."""
    row = row.astype(float)
    low, high = row.min(), row.max()
    inner = (row > low + 0.1 * (high - low)) & (row < low + 0.9 * (high - low))
    return int(inner.sum()) + 1


@pytest.mark.parametrize(
    ("size", "detail", "expected"),
    [
        ((1280, 720), "normal", (1280, 720)),
        ((1920, 1080), "normal", (1280, 720)),
        ((3840, 2160), "normal", (1280, 720)),
        ((2160, 3840), "normal", (720, 1280)),
        ((640, 360), "normal", (1280, 720)),
        ((1280, 704), "normal", (1280, 704)),
        ((1920, 1080), "low", (852, 480)),
        ((3840, 2160), "high", (1920, 1080)),
        ((3840, 2160), "full", (3840, 2160)),
        ((161, 121), "full", (161, 121)),
        ((64, 48), "normal", (256, 192)),
        ((1, 5000), "normal", (4, 20000)),
    ],
)
def test_the_shorter_side_decides(size, detail, expected):
    """The draw size is 480, 720 or 1080 lines, or that of the source if it is nearly equal.

    Tiny sources grow at most fourfold.
    """
    assert draw_size(*size, detail) == expected


def test_an_unknown_detail_is_refused():
    """The error names the nearest possible value."""
    with pytest.raises(MediaError, match="Did you mean normal"):
        resolve_detail("nomal", "pepper", [])


@pytest.mark.parametrize("lines", [1080, 1440, 2160])
def test_edges_are_as_sharp_as_drawn_there(lines):
    """An edge that is enlarged from 720 lines rises within three pixels, at its place to one pixel."""
    size = (lines * 4 // 3, lines)
    sharp, grown = scene(lines), enlarge(scene(720), size)
    row, middle = lines // 2, lines * 900 // 2160
    left = slice(middle - lines * 600 // 2160, middle - lines * 400 // 2160)
    before, after = sharp[row, left, 0], grown[row, left, 0]
    assert edge_width(after) <= 3
    half = (int(before.max()) + int(before.min())) / 2
    assert abs(int((before > half).sum()) - int((after > half).sum())) <= 1


def test_shades_are_enlarged_without_steps():
    """Smooth gradients are not sharpened: each pixel is within a level of the bicubic result."""
    shade = np.repeat(np.linspace(20, 220, 240).astype(np.uint8)[None, :, None], 3, 2).repeat(180, 0)
    plain = cv2.resize(shade, (720, 540), interpolation=cv2.INTER_CUBIC)
    assert np.abs(enlarge(shade, (720, 540)).astype(int) - plain).max() <= 1


def test_enlarging_invents_no_values():
    """Enlarged noise stays between its darkest and its lightest value: no halo, no wrap-around."""
    grey = np.random.default_rng(0).integers(60, 200, (60, 80, 3), np.uint8)
    grown = enlarge(grey, (240, 180))
    assert grown.min() >= 60
    assert grown.max() <= 199


def test_the_same_drawing_at_every_size():
    """From 540 to 2160 lines the drawing differs little from the one at 720."""
    draw = load("pepper", device="cpu")
    drawings = {}
    for lines in (540, 720, 1080, 2160):
        frame = resize_to_draw_size(Frame(scene(lines)), "normal", keep_source=False)
        drawing = enlarge(draw(frame.image[None])[0], frame.size)
        assert drawing.shape == scene(lines).shape
        drawings[lines] = resize(drawing, (960, 720)) if lines != 720 else drawing
    luma = {lines: drawing @ np.array([0.299, 0.587, 0.114]) for lines, drawing in drawings.items()}
    for lines, values in luma.items():
        assert np.abs(values - luma[720]).mean() < 1.5, lines


@pytest.mark.parametrize("keep_source", [False, True])
def test_a_video_is_read_at_the_draw_size(tmp_path, keep_source):
    """Frames have the draw size, state their own size, and keep the picture at that size on request."""
    path = Clip(size=(1600, 1200), times=range(2)).write(tmp_path / "in.mp4")
    decoding = Decoding(detail="normal", keep_source=keep_source)
    with open_source(path, decoding=decoding) as source, VideoSource(path) as own:
        assert (source.video.width, source.video.height) == (1600, 1200)
        frame, whole = next(iter(source)), next(iter(own))
    assert frame.image.shape == (720, 960, 3)
    assert frame.size == (1600, 1200)
    reduced = resize(whole.image, (960, 720)).astype(int)
    assert np.abs(frame.image - reduced).mean() < 1.5
    if keep_source:
        assert np.array_equal(frame.full, whole.image)
    else:
        assert frame.full is None


@pytest.mark.parametrize("size", [(64, 48), (1444, 1082)])
def test_pictures_keep_their_size(tmp_path, tiny_style, size):
    """A picture keeps its size, and the size of its transparency, at every draw size."""
    Image.new("RGBA", size, (200, 100, 50, 128)).save(tmp_path / "in.png")
    stylize(tmp_path / "in.png", tmp_path / "out.png", str(tiny_style), device="cpu")
    with Image.open(tmp_path / "out.png") as drawn:
        assert drawn.size == size
        assert drawn.mode == "RGBA"
        assert drawn.getextrema()[3] == (128, 128)


def test_no_strength_is_the_source(tmp_path, tiny_style):
    """At a strength of 0 the result equals the source, also if the draw size differs."""
    picture = noise(1000, 1000)
    Image.fromarray(picture).save(tmp_path / "in.png")
    stylize(
        tmp_path / "in.png", tmp_path / "out.png", str(tiny_style), device="cpu", retouch=Retouch(strength=0)
    )
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), picture)
