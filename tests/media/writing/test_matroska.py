"""The pixel aspect in Matroska and WebM, with any codec."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Clip, read_clip

from cartoonize import Encoding, stylize
from cartoonize.media.writing.matroska import set_display_size


@pytest.mark.parametrize(
    ("target", "codec"),
    [
        ("out.webm", "libvpx-vp9"), ("out.mkv", "libvpx-vp9"), ("out.mkv", "libsvtav1"), ("out.mkv", "ffv1"),
        ("out.mkv", "prores_ks"), ("out.mkv", "libx264"), ("out.mkv", "mjpeg"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(8, 9)])
def test_pixels_keep_their_shape(tmp_path, target, codec, aspect):
    """Players show the shape of the source; frames, sound, metadata, seeking and checksums are as ever."""
    clip = Clip(size=(96, 64), aspect=aspect, tones=[440], metadata={"title": "wide"})
    source, target = clip.write(tmp_path / "in.mp4"), tmp_path / target
    report = stylize(source, target, "null", encoding=Encoding(codec=codec))
    assert not [notice for notice in report.notices if "pixels" in notice]
    with av.open(str(target), options={"err_detect": "crccheck+explode"}) as written:
        video = written.streams.video[0]
        shown = video.sample_aspect_ratio
        assert float(shown) == pytest.approx(float(aspect), abs=1 / 96)
        assert written.metadata["title"] == "wide"
        assert len(written.streams.audio) == 1
        assert sum(1 for _ in written.decode(video)) == 12
        written.seek(0)
        assert next(written.decode(video)).pts is not None
    assert len(read_clip(target).times) == 12


def test_square_pixels_are_left_alone(tmp_path):
    """A file whose pixels are square is as FFmpeg wrote it."""
    stylize(Clip().write(tmp_path / "in.mp4"), tmp_path / "out.webm", "null")
    with av.open(str(tmp_path / "out.webm")) as written:
        assert written.streams.video[0].sample_aspect_ratio in (None, 1)


@pytest.mark.parametrize(
    "data", [b"", b"no Matroska", bytes(64), b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x81\x00"]
)
def test_a_file_of_another_layout_is_not_touched(tmp_path: Path, data: bytes):
    """A file without space for the display size stays unchanged."""
    path = tmp_path / "odd.mkv"
    path.write_bytes(data)
    assert not set_display_size(path, 100, 50)
    assert path.read_bytes() == data
