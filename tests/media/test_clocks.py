"""Unusual clocks: streams without times, times before zero, an hour of sound."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clips import Clip, convert, read_clip, remux, require_encoder
from PIL import Image

from cartoonize import Encoding, MediaError
from cartoonize.media import open_video

H264 = {"crf": "10", "bf": "2"}
WITHOUT_B_FRAMES = {"crf": "10", "bf": "0"}


def raw_h264(path):
    """A stream without a container, whose packets have no times."""
    return Clip(options=H264).write(path)


def without_duration(path):
    """Matroska as a browser records it: into a stream, where nothing can be written afterwards."""
    remux(path, Clip().write(path.with_name("plain.mkv")), options={"live": "1"})
    with av.open(path) as container:
        assert container.duration is None
    return path


def with_wrong_count(path):
    """AVI whose header speaks of 999 frames."""
    Clip(codec="mjpeg", pixel_format="yuvj420p", options={}).write(path)
    data = bytearray(path.read_bytes())
    header, stream = data.index(b"avih"), data.index(b"strh")
    data[header + 24 : header + 28] = data[stream + 40 : stream + 44] = (999).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def with_edit_list(path):
    """MP4 that starts half a second into its timeline."""
    return Clip(times=range(12, 24), options=H264).write(path)


def before_zero(path):
    """NUT can hold frames from before time zero."""
    return Clip(times=range(-6, 6), options=WITHOUT_B_FRAMES).write(path)


@pytest.mark.parametrize("target", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        (raw_h264, ".h264"), (without_duration, ".mkv"), (with_wrong_count, ".avi"), (with_edit_list, ".mp4"),
        (before_zero, ".nut"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_odd_clocks(tmp_path, make, suffix, target):
    """Every displayed frame is written once, in order, at its time within 1 ms; without times, one after the
    other.
    """
    source = make(tmp_path / f"in{suffix}")
    report = convert(source, tmp_path / f"out{target}")
    with av.open(source) as container:
        stamps = [frame.pts for frame in container.decode(video=0)]
    after = read_clip(tmp_path / f"out{target}")
    assert report.frames == len(after.times) == len(stamps) == 12
    if make is raw_h264:
        expected = [n / 24 for n in range(12)] if stamps[0] is None else read_clip(source).times
    else:
        expected = read_clip(source).times
    shift = expected[0] if make is before_zero else 0.0  # it starts at zero instead
    assert np.allclose(np.array(after.times) + shift, expected, atol=1e-3)
    assert after.times == sorted(after.times)


def test_a_range_of_a_stream_without_times(tmp_path):
    """A raw stream has no times to seek to; a range of it has the same frames as one of any other file."""
    clip = Clip(times=range(12), images=[np.full((48, 64, 3), 20 * n, np.uint8) for n in range(12)])
    source = clip.write(tmp_path / "in.h264")
    report = convert(source, tmp_path / "out.mkv", start=0.25, end=0.45)
    after = read_clip(tmp_path / "out.mkv")
    assert report.frames == 5
    assert np.allclose(after.times, [n / 24 for n in range(5)], atol=1e-3)
    assert [round(image.mean() / 20) for image in after.images] == [6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("name", "start", "end", "length"),
    [
        ("in.mp4", 9, None, "it is 2 s long (48 frames)"),
        ("in.mkv", 2.5, 3, "it is 2 s long"),
        ("in.gif", 2.5, None, "it is 2 s long (48 frames)"),
        ("in.webp", 2.5, None, "it is 0.3 s long (3 frames)"),
        ("folder", 1, None, "it is 0.12 s long (3 frames)"),
    ],
)
def test_an_empty_range_says_how_long_the_video_is(tmp_path, name, start, end, length):
    """If no frame is in the range, the error states the length of the video, and its frames if known."""
    source = tmp_path / name
    pictures = [Image.new("RGB", (16, 16), (60 * n, 0, 0)) for n in range(3)]
    if name == "folder":
        source.mkdir()
        for number, picture in enumerate(pictures):
            picture.save(source / f"{number}.png")
    elif source.suffix == ".webp":
        pictures[0].save(source, save_all=True, append_images=pictures[1:], duration=100)
    elif source.suffix == ".gif":
        Clip(times=range(48), codec="gif", pixel_format="rgb8", options={}).write(source)
    else:
        Clip(times=range(48)).write(source)
    with pytest.raises(MediaError) as error:
        open_video(source, start=start, end=end)
    assert str(error.value) == f"{source} has no frame in the requested range: {length}."


HELD = [*range(30), *range(1500, 1510), *range(3000, 3005)]  # as programs that record a screen write


def write_held(path, **options):
    """Frames that are stored out of order and held for a minute."""
    settings = {"crf": "10", "bf": "3", "x264-params": "b-adapt=0"}
    return Clip(times=HELD, options=settings, last_duration=100, **options).write(path)


@pytest.mark.parametrize("target", [".mp4", ".mkv"])
def test_frames_held_for_a_minute_keep_their_times(tmp_path, target):
    """Frames that follow a held one keep their times; no clock jumps, and the end is where it was."""
    source = write_held(tmp_path / "in.mp4")
    report = convert(source, tmp_path / f"out{target}")
    assert report.notices == []
    before, after = read_clip(source), read_clip(tmp_path / f"out{target}")
    assert np.allclose(after.times, before.times, atol=1e-3)
    assert after.seconds == pytest.approx((HELD[-1] + 100) / 24, abs=2e-3)


def test_a_held_frame_ends_with_the_range(tmp_path):
    """A frame that is held for a minute is shown up to `end` only."""
    convert(write_held(tmp_path / "in.mp4"), tmp_path / "out.mkv", end=10)
    after = read_clip(tmp_path / "out.mkv")
    assert len(after.images) == 30
    assert after.seconds == pytest.approx(10, abs=2e-3)


@pytest.mark.parametrize("start", [2, 30, 62])
def test_a_range_may_begin_within_a_held_frame(tmp_path, start):
    """A frame that is held for a minute is shown from `start` on, up to the next one."""
    source = write_held(tmp_path / "in.mp4")
    convert(source, tmp_path / "out.mkv", start=start)
    later = [n / 24 - start for n in HELD if n / 24 >= start]
    assert np.allclose(read_clip(tmp_path / "out.mkv").times, [0, *later], atol=2e-3)


def test_a_range_may_lie_within_a_held_frame(tmp_path):
    """A range without the start of a frame holds the frame that is shown in it."""
    convert(write_held(tmp_path / "in.mp4"), tmp_path / "out.mkv", start=10, end=12)
    after = read_clip(tmp_path / "out.mkv")
    assert after.times == [0]
    assert after.seconds == pytest.approx(2, abs=2e-3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_avi_has_the_rate_of_the_video(tmp_path, rate, suffix):
    """AVI gets the rate of the video, exact times and no empty frames, whatever the ticks of the source."""
    ticks = Fraction(1, rate.numerator * (512 if rate.denominator == 1 else 1))
    times = [n * int(1 / (rate * ticks)) for n in range(50)]
    source = Clip(times=times, time_base=ticks, last_duration=times[1]).write(tmp_path / f"in{suffix}")
    convert(source, tmp_path / "out.avi")
    with av.open(tmp_path / "out.avi") as container:
        video = container.streams.video[0]
        assert (video.average_rate, video.frames) == (rate, 50)
        assert [frame.pts * video.time_base for frame in container.decode(video)] == [
            n / rate for n in range(50)
        ]


def test_a_thousand_frames_a_second(tmp_path):
    """A video of a high-speed camera keeps its times in AV1 too, whose encoder knows 240 frames/s at most."""
    require_encoder("libsvtav1")
    source = Clip(times=range(20), time_base=Fraction(1, 1000)).write(tmp_path / "in.mkv")
    convert(source, tmp_path / "out.mkv", encoding=Encoding(codec="libsvtav1"))
    assert np.allclose(read_clip(tmp_path / "out.mkv").times, [n / 1000 for n in range(20)], atol=1e-4)


@pytest.mark.parametrize("frames", range(1, 5))
def test_a_tiny_transport_stream(tmp_path, frames):
    """However short it is, a transport stream is written whole, and can be read."""
    convert(Clip(times=range(frames)).write(tmp_path / "in.mp4"), tmp_path / "out.ts")
    report = convert(tmp_path / "out.ts", tmp_path / "again.mkv")
    assert report.frames == frames


def test_a_video_without_frames(tmp_path):
    """A file with a header and nothing after it is refused in a sentence that says so."""
    with av.open(tmp_path / "in.mkv", "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(MediaError, match=r"in\.mkv ends too early: it holds no frame"):
        convert(tmp_path / "in.mkv", tmp_path / "out.mkv")


def write_hour(path, step):
    """Tiny frames over an hour, every `step` seconds, with ticks of sound at the times of the frames."""
    times = range(0, 3600 + step, step)
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 16, 16, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1001, 30000)
        sound = container.add_stream("mp2", rate=48000, layout="mono")
        for time in times:
            frame = av.VideoFrame(16, 16, "yuv420p")
            frame.pts, frame.time_base = round(time * 30000 / 1001), Fraction(1001, 30000)
            container.mux(video.encode(frame))
            tick = av.AudioFrame.from_ndarray(np.full((1, 1152), 900, np.int16), format="s16", layout="mono")
            tick.sample_rate, tick.pts, tick.time_base = 48000, time * 48000, Fraction(1, 48000)
            container.mux(sound.encode(tick))
        container.mux(video.encode(None))
    return path


def read_clocks(path):
    """Times of all frames and of all packets of sound."""
    with av.open(path) as container:
        sound = [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.size]
    return np.array(read_clip(path).times), np.array(sound)


@pytest.mark.parametrize("target", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("step", [300, pytest.param(1, marks=pytest.mark.slow)])
def test_sound_stays_in_step_for_an_hour(tmp_path, step, target):
    """After an hour the sound is within 20 ms of where it was beside the picture."""
    source = write_hour(tmp_path / "in.mkv", step)
    convert(source, tmp_path / f"out{target}")
    (frames, sound), (drawn, kept) = read_clocks(source), read_clocks(tmp_path / f"out{target}")
    assert len(drawn) == len(frames)
    assert len(kept) == len(sound)
    assert np.abs((kept - drawn) - (sound - frames)).max() < 0.020
