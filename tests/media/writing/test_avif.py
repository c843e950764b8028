"""Transparent AVIF animations, which Pillow encodes at the end."""

from importlib.util import find_spec

import pytest
from clips import names_in
from PIL import Image

from cartoonize import MediaError, stylize
from cartoonize.media.pictures.formats import FORMATS, Format


@pytest.mark.skipif(find_spec("PIL._avif") is None, reason="this build of Pillow has no AVIF")
def test_frames_that_pillow_cannot_encode_are_a_sentence(tmp_path, monkeypatch):
    """If Pillow refuses the frames at the end, the error is a sentence, and nothing is left behind."""
    frames = [Image.new("RGBA", (32, 24), (40 * number, 90, 60, 99)) for number in range(3)]
    frames[0].save(tmp_path / "in.webp", save_all=True, append_images=frames[1:], duration=100)
    monkeypatch.setitem(FORMATS, ".avif", Format("AVIF", {"subsampling": "9:9:9"}))
    with pytest.raises(MediaError, match=r"Cannot write out\.avif as AVIF: .*subsampling"):
        stylize(tmp_path / "in.webp", tmp_path / "out.avif", "null")
    assert names_in(tmp_path) == ["in.webp"]
