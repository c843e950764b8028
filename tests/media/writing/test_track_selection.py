"""Which streams of a video with several are converted, copied, or named as left out."""

import av
import pytest
from clips import Clip, choose_last, convert, packets, read_clip, remux, stream_kinds

from cartoonize import Decoding, MediaError

H264 = {"crf": "10", "bf": "2"}


def test_one_of_several_video_streams_is_drawn(tmp_path):
    """The default stream, or the one of --stream, is converted; a notice says how to get the other one."""
    small = Clip(size=(32, 32)).write(tmp_path / "small.mkv")
    large = Clip(size=(64, 48)).write(tmp_path / "large.mkv")
    both = remux(tmp_path / "in.mkv", small, large, prepare=choose_last)
    report = convert(both, tmp_path / "default.mkv")
    assert read_clip(tmp_path / "default.mkv").images[0].shape == (48, 64, 3)
    assert any("--stream 0" in notice for notice in report.notices)
    convert(both, tmp_path / "zero.mkv", decoding=Decoding(stream=0))
    assert read_clip(tmp_path / "zero.mkv").images[0].shape == (32, 32, 3)
    with pytest.raises(MediaError, match=r"its video streams are 0 \(h264, 32x32\), 1 \(h264, 64x48\)"):
        convert(both, tmp_path / "none.mkv", decoding=Decoding(stream=5))


@pytest.fixture
def everything(tmp_path):
    """A video with two sounds, subtitles and a font."""
    text = tmp_path / "words.srt"
    text.write_text("1\n00:00:00,100 --> 00:00:00,400\nGood morning\n")
    video = Clip(tones=[440, 660], options=H264).write(tmp_path / "video.mkv")
    font = "letters.ttf", "font/ttf", b"no real font"
    return remux(tmp_path / "in.mkv", video, text, prepare=lambda file: file.add_attachment(*font))


def test_matroska_keeps_every_stream(tmp_path, everything):
    """Two sounds, subtitles and an attachment are all there, byte for byte, and there is no notice."""
    report = convert(everything, tmp_path / "out.mkv")
    assert report.notices == []
    assert stream_kinds(tmp_path / "out.mkv") == stream_kinds(everything)
    for track in (0, 1):
        assert packets(tmp_path / "out.mkv", track) == packets(everything, track)
    with av.open(tmp_path / "out.mkv") as out:
        assert next(s for s in out.streams if s.type == "attachment").data == b"no real font"
        assert b"Good morning" in b"".join(bytes(p) for p in out.demux(subtitles=0))


def test_what_mp4_cannot_hold_is_named(tmp_path, everything):
    """Notices name each stream that the target cannot hold, and each one that is converted."""
    report = convert(everything, tmp_path / "out.mp4")
    assert stream_kinds(tmp_path / "out.mp4") == ["audio", "audio", "subtitle", "video"]
    assert any("stream 3 was converted to mov_text" in notice for notice in report.notices)
    assert any("attachment stream 4" in notice for notice in report.notices)
