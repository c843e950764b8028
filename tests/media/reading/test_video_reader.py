"""Rates and clocks of files from cameras, camcorders and broadcasts."""

from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from clips import Clip, require_encoder

from cartoonize import MediaError, open_source, stylize
from cartoonize.media.reading.open_input import frame_rate


def write_dv(path, size, rate, pixel_format):
    """12 frames of DV, as a camcorder records them."""
    require_encoder("dvvideo")
    with av.open(path, "w") as container:
        stream = container.add_stream("dvvideo", rate=rate)
        context = stream.codec_context
        (context.width, context.height), context.pix_fmt = size, pixel_format
        for number in range(12):
            image = np.full((size[1], size[0], 3), 20 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = number, 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".dv", ".avi", ".mov"])
@pytest.mark.parametrize(
    ("size", "rate", "pixel_format"),
    [((720, 576), Fraction(25), "yuv420p"), ((720, 480), Fraction(30000, 1001), "yuv411p")],
    ids=["PAL", "NTSC"],
)
def test_dv_has_the_rate_of_its_frames(tmp_path, suffix, size, rate, pixel_format):
    """DV keeps its frame rate, whatever FFmpeg states, and is converted frame by frame."""
    path = write_dv(tmp_path / f"in{suffix}", size, rate, pixel_format)
    with open_source(path) as source:
        frames = list(source)
    assert source.video.rate == rate
    assert source.frames == len(frames) == 12
    assert [frame.pts * frame.time_base for frame in frames] == [n / rate for n in range(12)]
    assert stylize(path, tmp_path / "out.mp4", "null").frames == 12
    with av.open(tmp_path / "out.mp4") as container:
        assert container.streams.video[0].average_rate == rate


def test_a_program_stream_starts_at_zero(tmp_path):
    """The clock of MPEG-PS starts at about half a second; picture and sound keep their distance."""
    path = Clip(
        codec="mpeg2video", options={}, times=range(25), time_base=Fraction(1, 25), tones=[440],
        audio_codec="mp2",
    ).write(tmp_path / "in.mpg")  # fmt: skip
    with av.open(path) as container:
        before = [float(stream.start_time * stream.time_base) for stream in container.streams]
    assert min(before) > 0.4
    stylize(path, tmp_path / "out.mkv", "null")
    with av.open(tmp_path / "out.mkv") as container:
        after = [float(stream.start_time * stream.time_base) for stream in container.streams]
    assert min(after) == pytest.approx(0, abs=0.002)
    assert after[1] - after[0] == pytest.approx(before[1] - before[0], abs=0.002)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_recording_without_its_index_is_named(tmp_path, suffix):
    """Cameras write the index last: without it, the message says what is missing, and what to do."""
    whole = Clip().write(tmp_path / f"whole{suffix}").read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole[: whole.index(b"moov") - 4])
    with pytest.raises(MediaError, match=rf"^The index of .*cut{suffix} is missing .*copy it again"):
        open_source(cut)


def test_a_stream_without_frames_is_not_chosen(tmp_path):
    """Recordings of streams list all rates that the sender offers, and hold one of them."""
    with av.open(tmp_path / "in.wmv", "w") as container:
        streams = [container.add_stream("wmv2", rate=10) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(Clip().image(number), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(streams[1].encode(frame))
        container.mux(streams[1].encode(None))
    report = stylize(tmp_path / "in.wmv", tmp_path / "out.mkv", "null")
    assert report.frames == 10
    assert any(notice.startswith("Only one video stream is converted; 0 (wmv2)") for notice in report.notices)


@pytest.mark.parametrize("unset", [None, 0], ids=["PyAV 18", "PyAV 19"])
def test_the_first_rate_that_a_file_states(unset):
    """The rate is the first that a file states, as a Fraction, for any version of PyAV."""
    rational = pytest.importorskip("av.rational").AVRational  # PyAV 18.0 lacks it
    missing = unset if unset is None else rational(unset, 1)
    stream = SimpleNamespace(average_rate=missing, guessed_rate=rational(24, 1), base_rate=rational(25, 1))
    rate = frame_rate(stream)
    assert (rate, type(rate)) == (24, Fraction)
