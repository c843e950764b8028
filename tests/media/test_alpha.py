"""Transparent videos."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clips import convert, read_clip, require_encoder

from cartoonize import Encoding
from cartoonize.media import open_video

ALPHA = np.zeros((48, 64), np.uint8)
ALPHA[:, 16:32], ALPHA[:, 32:] = 128, 255
TRANSPARENT = {
    "vp9-webm": (".webm", "libvpx-vp9", "yuva420p", {"crf": "4", "b": "0", "cpu-used": "8"}),
    "prores-mov": (".mov", "prores_ks", "yuva444p10le", {}),
    "ffv1-mkv": (".mkv", "ffv1", "yuva420p", {}),
    "png-mov": (".mov", "png", "rgba", {}),
}


def write_transparent(folder, kind):
    """Orange, of which a quarter is not there, and another is half there."""
    suffix, encoder, pixel_format, options = TRANSPARENT[kind]
    require_encoder(encoder)
    path = folder / f"in{suffix}"
    with av.open(path, "w") as container:
        stream = container.add_stream(encoder, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        picture = np.dstack([np.full((48, 64, 3), (220, 120, 40), np.uint8), ALPHA])
        for number in range(4):
            picture[:8, 32 + 4 * number : 40 + 4 * number, 1] = 250  # what moves makes it an animation
            frame = av.VideoFrame.from_ndarray(picture, "rgba").reformat(format=pixel_format)
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def part_middles(plane):
    """Values well inside the three parts."""
    return plane[24, [8, 24, 48]].astype(int)


@pytest.mark.parametrize(
    ("target", "codec"),
    [
        (".webm", None), (".mov", None), (".mkv", None), (".webp", None), (".png", None), (".mkv", "ffv1"),
        (".mov", "qtrle"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", TRANSPARENT)
def test_transparency_is_kept(tmp_path, kind, target, codec):
    """WebM, MOV, Matroska, WebP and PNG stay as transparent as the source, within 4 levels."""
    convert(write_transparent(tmp_path, kind), tmp_path / f"out{target}", encoding=Encoding(codec=codec))
    with open_video(tmp_path / f"out{target}") as written:
        frames = list(written)
    assert len(frames) == 4
    assert all(np.abs(part_middles(frame.alpha) - [0, 128, 255]).max() <= 4 for frame in frames)
    assert all(np.abs(part_middles(frame.image)[2] - [220, 120, 40]).max() <= 8 for frame in frames)


@pytest.mark.parametrize(("background", "rgb"), [("white", (255, 255, 255)), ("#0000ff", (0, 0, 255))])
def test_transparency_that_cannot_be_kept_lies_on_a_colour(tmp_path, background, rgb):
    """MP4 gets the picture on the requested colour, white by default, with a notice."""
    source = write_transparent(tmp_path, "ffv1-mkv")
    report = convert(source, tmp_path / "out.mp4", encoding=Encoding(crf=4, background=background))
    assert any(f"laid on {background}" in notice for notice in report.notices)
    shown = part_middles(read_clip(tmp_path / "out.mp4").images[0])
    half = (np.array([220, 120, 40]) + rgb) / 2
    assert np.abs(shown - [rgb, half, (220, 120, 40)]).max() <= 12
