"""All kinds of input and output that are promised, one row each.

The media are made here. What this build of FFmpeg cannot make is skipped by name.
"""

import io
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec

import av
import numpy as np
import pytest
from av.stream import Disposition
from clips import Clip, packets, read_clip
from PIL import Image

from cartoonize import Decoding, Encoding, MediaError, stylize
from cartoonize.core.containers import CONTAINERS
from cartoonize.media import VideoSource, open_source, open_video

H264 = {"crf": "10", "bf": "2"}
WITHOUT_B_FRAMES = {"crf": "10", "bf": "0"}
VP9 = {"crf": "10", "b": "0", "deadline": "realtime", "cpu-used": "8"}

# id -> suffix, encoder, pixel format, options
INPUTS = {
    "h264-mp4": (".mp4", "libx264", "yuv420p", H264),
    "h264-mov": (".mov", "libx264", "yuv420p", H264),
    "h264-mkv": (".mkv", "libx264", "yuv420p", H264),
    "h264-ts": (".ts", "libx264", "yuv420p", H264),
    "h264-flv": (".flv", "libx264", "yuv420p", H264),
    "h264-avi": (".avi", "libx264", "yuv420p", WITHOUT_B_FRAMES),
    "hevc-mp4": (".mp4", "libx265", "yuv420p", {"crf": "10", "x265-params": "log-level=none"}),
    "hevc-ts": (".ts", "libx265", "yuv420p", {"crf": "10", "x265-params": "log-level=none"}),
    "vp8-webm": (".webm", "libvpx", "yuv420p", {"crf": "4", "b": "4M"}),
    "vp9-webm": (".webm", "libvpx-vp9", "yuv420p", VP9),
    "vp9-mp4": (".mp4", "libvpx-vp9", "yuv420p", VP9),
    "av1-mp4": (".mp4", "libsvtav1", "yuv420p", {"crf": "10", "preset": "12"}),
    "av1-webm": (".webm", "libsvtav1", "yuv420p", {"crf": "10", "preset": "12"}),
    "mpeg4-avi": (".avi", "mpeg4", "yuv420p", {"b": "4M"}),
    "mpeg4-mp4": (".mp4", "mpeg4", "yuv420p", {"b": "4M", "bf": "2"}),
    "mpeg2-ts": (".ts", "mpeg2video", "yuv420p", {"b": "4M", "bf": "2"}),
    "mjpeg-avi": (".avi", "mjpeg", "yuvj420p", {}),
    "mjpeg-mov": (".mov", "mjpeg", "yuvj420p", {}),
    "prores-mov": (".mov", "prores_ks", "yuv422p10le", {}),
    "ffv1-mkv": (".mkv", "ffv1", "yuv444p", {}),
    "flash-flv": (".flv", "flv", "yuv420p", {"b": "4M"}),
    "y4m": (".y4m", "rawvideo", "yuv420p", {}),
}


def null(source, target, **options):
    return stylize(source, target, "null", **options)


def need(encoder):
    if encoder not in av.codecs_available:
        pytest.skip(f"this build of FFmpeg has no {encoder}")


def clip(kind):
    """The clip of a row, 12 frames at 24 frames/s; and its suffix."""
    suffix, encoder, pixel_format, options = INPUTS[kind]
    need(encoder)
    return Clip(codec=encoder, pixel_format=pixel_format, options=options), suffix


def difference(before, after):
    """Mean difference of the pictures of two clips, in grey levels."""
    return np.abs(np.stack(before).astype(int) - np.stack(after)).mean()


@pytest.mark.parametrize("kind", INPUTS)
def test_every_codec_and_container_is_read(tmp_path, kind):
    """Each frame is written once, in order, at its time within 1 ms, with its picture."""
    made, suffix = clip(kind)
    source = made.write(tmp_path / f"in{suffix}")
    report = null(source, tmp_path / "out.mkv")
    before, after = read_clip(source), read_clip(tmp_path / "out.mkv")
    assert report.frames == len(before.times) == 12
    assert np.allclose(before.times, after.times, atol=1e-3)
    assert difference(before.images, after.images) < 3


@pytest.mark.parametrize("suffix", [".avi", ".ts", ".flv", ".m4v"])
def test_every_container_is_written(tmp_path, suffix):
    """Beside MP4, Matroska, MOV and WebM: frames at their times to 1 ms, and sound packet for packet."""
    source = Clip(times=range(24), tones=[440], options=WITHOUT_B_FRAMES).write(tmp_path / "in.mp4")
    null(source, tmp_path / f"out{suffix}")
    before, after = read_clip(source), read_clip(tmp_path / f"out{suffix}")
    starts = after.times[0] if suffix == ".ts" else 0.0
    assert np.allclose(before.times, np.array(after.times) - starts, atol=1e-3)
    assert sum(map(len, after.audio[0])) >= sum(map(len, before.audio[0]))  # ADTS adds headers


@pytest.mark.parametrize("target", ["y4m", "matroska", "mpegts", "mp4"])
def test_a_video_goes_through_pipes(tmp_path, target):
    """`-` reads standard input and writes standard output, where there is the video and nothing else."""
    source = Clip(times=range(24), tones=[440]).write(tmp_path / "in.mp4")
    command = [sys.executable, "-m", "cartoonize", "video"]
    first = subprocess.run(
        [*command, source, "-", "--style", "null", "--format", target],
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    second = [*command, "-", str(tmp_path / "out.mkv"), "--style", "null"]
    subprocess.run(second, input=first.stdout, capture_output=True, check=True, cwd=tmp_path)
    before, after = read_clip(source), read_clip(tmp_path / "out.mkv")
    delay = after.times[0] - before.times[0]  # formats without times below zero start later by the B-frames
    assert 0 <= delay < 0.1
    assert np.allclose(np.array(after.times) - delay, before.times, atol=2e-3)
    assert difference(before.images, after.images) < 3
    if target != "y4m":  # which holds no sound
        assert len(after.audio[0]) == len(before.audio[0])


def numbered(folder, count=12, suffix=".png"):
    folder.mkdir()
    pictures = [Clip().image(n) for n in range(count)]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"shot-{number}{suffix}", quality=95)
    return pictures


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001)], ids=str)
def test_a_folder_of_pictures_is_a_video(tmp_path, rate):
    """Pictures are shown in the order of their numbers (2 before 10), at the rate asked for."""
    pictures = numbered(tmp_path / "shots")
    null(tmp_path / "shots", tmp_path / "out.mp4", decoding=Decoding(fps=rate))
    after = read_clip(tmp_path / "out.mp4")
    assert np.allclose(after.times, [float(n / rate) for n in range(12)], atol=1e-4)
    assert difference(pictures, after.images) < 3


def test_pictures_of_other_sizes_are_scaled_and_named(tmp_path):
    """A video has one size, that of its first picture; a notice names the others."""
    numbered(tmp_path / "shots", 3)
    Image.new("RGB", (20, 30)).save(tmp_path / "shots" / "shot-1.png")
    report = null(tmp_path / "shots", tmp_path / "out.mp4", decoding=Decoding(fps=Fraction(10)))
    assert any("shot-1.png is 20x30" in notice for notice in report.notices)
    assert {image.shape for image in read_clip(tmp_path / "out.mp4").images} == {(48, 64, 3)}


@pytest.mark.parametrize("target", ["new/%03d.png", "there"])
def test_a_video_becomes_pictures(tmp_path, target):
    """A name with a number pattern, or a folder, gets every frame. A notice says what is left out."""
    (tmp_path / "there").mkdir()
    source = Clip(codec="ffv1", pixel_format="yuv444p", options={}).write(tmp_path / "in.mkv")
    report = null(source, tmp_path / target)
    made = sorted((tmp_path / target.split("/")[0]).iterdir())
    assert [path.name for path in made][:2] in (["001.png", "002.png"], ["00001.png", "00002.png"])
    assert any("neither times nor sound" in notice for notice in report.notices)
    assert difference(read_clip(source).images, [np.asarray(Image.open(path)) for path in made]) < 2


def test_a_folder_is_not_drawn_onto_itself(tmp_path):
    """Pictures are never replaced by their own drawings, with any options."""
    numbered(tmp_path / "shots", 3)
    with pytest.raises(MediaError, match="source itself"):
        null(tmp_path / "shots", tmp_path / "shots", decoding=Decoding(fps=Fraction(5)), overwrite=True)


DELAYS = [100, 50, 200, 40, 80]  # ms
ANIMATIONS = [".gif", ".webp", ".png"]


def animation(path, loop=3):
    """Five frames of a square that moves over nothing at all."""
    frames = []
    for number in range(5):
        picture = np.zeros((48, 64, 4), np.uint8)
        picture[8:24, 8 * number : 8 * number + 16] = (200, 40 * number, 60, 255)
        picture[8:12, 8 * number : 8 * number + 16, 3] = 200  # else WebP does not say that it is transparent
        frames.append(Image.fromarray(picture))
    options = {"lossless": True} if path.suffix == ".webp" else {"disposal": 2}
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=DELAYS,
        loop=loop,
        default_image=False,
        **options,
    )
    return path


def seen(path):
    """Frames as RGBA, milliseconds and loop count of an animation, by Pillow."""
    with Image.open(path) as picture:
        frames, delays = [], []
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(np.asarray(picture.convert("RGBA")).astype(int))
            delays.append(int(picture.info["duration"]))
        return np.stack(frames), delays, picture.info.get("loop")


@pytest.mark.parametrize("target", ANIMATIONS)
@pytest.mark.parametrize("source", ANIMATIONS)
def test_animations_stay_animations(tmp_path, source, target):
    """GIF, WebP and PNG animations keep frames, times, transparency and how often they are shown."""
    made = animation(tmp_path / f"in{source}")
    null(made, tmp_path / f"out{target}")
    (before, delays, loop), (after, kept, loops) = seen(made), seen(tmp_path / f"out{target}")
    assert kept[:4] == delays[:4] == DELAYS[:4]
    assert kept[4] == pytest.approx(DELAYS[4], abs=60)  # WebP and PNG have to guess the last
    # GIF counts the times after the first, the others all of them.
    assert loops + (target == ".gif") == loop + (source == ".gif")
    if (source, target) != (".gif", ".webp"):  # made of opaque rectangles, which Pillow reads as RGB
        assert np.array_equal(after[..., 3] > 128, before[..., 3] > 128)
    opaque = before[..., 3] == 255
    assert np.abs(after - before)[opaque].mean() < 6


@pytest.mark.skipif(find_spec("PIL._avif") is None, reason="this build of Pillow has no AVIF")
@pytest.mark.parametrize(
    ("target", "encoding", "is_kept"),
    [("out.avif", None, True), ("out.gif", None, True), ("out.avif", Encoding(codec="libsvtav1"), False)],
)
def test_an_animated_avif_is_a_video(tmp_path, target, encoding, is_kept):
    """An AVIF animation keeps its frames, their times and transparency. With an encoder of the user's choice
    it becomes opaque, with a note that says how to keep transparency."""
    frames = [Image.new("RGBA", (96, 72), (40 * number, 90, 60, 255)) for number in range(5)]
    for frame in frames:
        frame.paste((0, 0, 0, 0), (0, 0, 32, 32))
    frames[0].save(tmp_path / "in.avif", save_all=True, append_images=frames[1:], duration=DELAYS)
    report = null(tmp_path / "in.avif", tmp_path / target, encoding=encoding)
    pictures, delays, _ = seen(tmp_path / target)
    assert delays == DELAYS
    assert np.abs(pictures[:, 36, 48, 0] - 40 * np.arange(5)).max() < 6
    assert (pictures[:, 8, 8, 3] < 8).all() == is_kept
    assert (pictures[:, 36, 48, 3] == 255).all()
    notices = [notice for notice in report.notices if "laid on white. Write .webp, .png, .gif" in notice]
    assert len(notices) == (not is_kept)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.avif", target]


def test_a_video_becomes_a_gif_of_good_colours(tmp_path):
    """Each frame has its own palette: a gradient stays within 6 grey levels on average."""
    ramp = np.stack(np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 5), [128]), -1).reshape(52, 64, 3)
    made = Clip(size=(64, 52), images=[ramp.astype(np.uint8)] * 4, times=range(4), codec="ffv1", options={})
    made.pixel_format = "yuv444p"
    source = made.write(tmp_path / "in.mkv")
    null(source, tmp_path / "out.gif")
    assert (
        difference(read_clip(source).images, [frame[..., :3] for frame in seen(tmp_path / "out.gif")[0]]) < 6
    )
    assert seen(tmp_path / "out.gif")[2] == 0  # without end


def raw_h264(path):
    """A stream without a container, whose packets have no times."""
    return Clip(options=H264).write(path)


def without_duration(path):
    """Matroska as a browser records it: into a stream, where nothing can be written afterwards."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.written = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.written += bytes(data)
            return len(data)

    pipe, made = Pipe(), Clip()
    with av.open(pipe, "w", format="matroska") as container:
        video = made._video_stream(container)
        for number, pts in enumerate(made.times):
            container.mux(video.encode(made._frame(number, pts)))
        container.mux(video.encode(None))
    path.write_bytes(pipe.written)
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


def variable(path):
    return Clip(times=(0, 1, 2, 5, 6, 11, 12, 13, 20, 21, 22, 30), options=H264).write(path)


@pytest.mark.parametrize("target", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        (raw_h264, ".h264"), (without_duration, ".mkv"), (with_wrong_count, ".avi"), (with_edit_list, ".mp4"),
        (before_zero, ".nut"), (variable, ".mp4"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_odd_clocks(tmp_path, make, suffix, target):
    """Every displayed frame is written once, in order, at its time within 1 ms; without times, one after the
    other.
    """
    source = make(tmp_path / f"in{suffix}")
    report = null(source, tmp_path / f"out{target}")
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


def hour(path, step):
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


def clocks(path):
    """Times of all frames and of all packets of sound."""
    with av.open(path) as container:
        sound = [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.size]
    return np.array(read_clip(path).times), np.array(sound)


@pytest.mark.parametrize("target", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("step", [300, pytest.param(1, marks=pytest.mark.slow)])
def test_sound_stays_in_step_for_an_hour(tmp_path, step, target):
    """After an hour the sound is within 20 ms of where it was beside the picture."""
    source = hour(tmp_path / "in.mkv", step)
    null(source, tmp_path / f"out{target}")
    (frames, sound), (drawn, kept) = clocks(source), clocks(tmp_path / f"out{target}")
    assert len(drawn) == len(frames)
    assert len(kept) == len(sound)
    assert np.abs((kept - drawn) - (sound - frames)).max() < 0.020


@pytest.mark.parametrize("mirrored", [False, True], ids=["", "mirrored"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_every_orientation_is_upright(tmp_path, rotation, mirrored):
    """All eight orientations of a camera are converted as a player shows them."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :32], picture[32:, :16] = 240, 120
    made = Clip(images=[picture] * 3, times=range(3), rotation=rotation, mirrored=mirrored)
    null(made.write(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    upright = np.rot90(picture, rotation // 90)[:, :: -1 if mirrored else 1]
    shown = read_clip(tmp_path / "out.mp4").images[0]
    assert shown.shape == upright.shape
    assert np.abs(shown.astype(int) - upright).mean() < 4


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_8k_works(tmp_path, codec):
    """A video of 7680x4320 is converted."""
    made = Clip(size=(7680, 4320), times=range(2), codec="mjpeg", pixel_format="yuvj420p", options={})
    encoding = Encoding(codec=codec, preset="ultrafast" if codec == "libx264" else "8")
    null(made.write(tmp_path / "in.mkv"), tmp_path / "out.mkv", encoding=encoding)
    assert [image.shape for image in read_clip(tmp_path / "out.mkv").images] == [(4320, 7680, 3)] * 2


def deep(path, colours, *, transfer, primaries, matrix="bt2020nc"):
    """A lossless 10-bit clip, limited range, of stripes of given R'G'B' signals of 0 to 1."""
    kr, kb = {"bt2020nc": (0.2627, 0.0593), "bt709": (0.2126, 0.0722)}[matrix]
    red, green, blue = np.array(colours, float).T
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    planes = [64 + 876 * luma, 512 + 448 * (blue - luma) / (1 - kb), 512 + 448 * (red - luma) / (1 - kr)]
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 16 * len(colours), 16, "yuv444p10le"
        context.color_trc, context.color_primaries, context.color_range = transfer, primaries, 1
        context.colorspace = {"bt2020nc": 9, "bt709": 1}[matrix]
        frame = av.VideoFrame(context.width, 16, "yuv444p10le")
        for plane, values in zip(frame.planes, planes, strict=True):
            row = np.zeros(plane.line_size // 2, "<u2")
            row[: context.width] = np.rint(values).repeat(16)
            plane.update(np.tile(row, 16).tobytes())
        for number in range(2):
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def pq(light):
    """The PQ signal of cd/m²; SMPTE ST 2084."""
    power = (np.asarray(light) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def middles(image, count):
    return image[8, 8 : 16 * count : 16].astype(int)


def test_pq_becomes_sdr(tmp_path):
    """Dark and middle tones keep their light, 203 cd/m² is near white, more is rolled off, hues stay."""
    red = np.array([0.6274, 0.0691, 0.0164])  # BT.709's red in BT.2020's primaries (BT.2087)
    lights = [(0, 0, 0), (1, 1, 1), (10, 10, 10), (50, 50, 50), (203, 203, 203), (400, 400, 400), (1000,) * 3]
    made = deep(tmp_path / "in.mkv", [*pq(lights), pq(60 * red)], transfer=16, primaries=9)
    report = null(made, tmp_path / "out.mkv", encoding=Encoding(codec="ffv1"))
    assert any("PQ (HDR); it was tone-mapped to SDR, by ITU-R BT.2390" in notice for notice in report.notices)
    with VideoSource(made) as source:
        shown = middles(next(iter(source)).image, 8)
    displayed = [255 * (light / 203) ** (1 / 2.4) for light in (0, 1, 10, 50)]  # BT.1886, white at 203 cd/m²
    assert np.abs(shown[:4] - np.array(displayed)[:, None]).max() <= 2
    assert shown[4].min() >= 220
    assert shown[4].max() < shown[5].min() < shown[6].max() <= 255
    assert np.abs(shown[7] - [255 * (60 / 203) ** (1 / 2.4), 0, 0]).max() <= 15
    with av.open(tmp_path / "out.mkv") as out:
        frame = next(out.decode(video=0))
    assert (frame.color_trc, frame.color_primaries, frame.colorspace) == (1, 1, 1)


def test_hlg_becomes_sdr(tmp_path):
    """HLG's reference white, 75 % of the signal (BT.2408), is near white, and its grey card is mid-grey."""
    signals = [(0.0,) * 3, (0.38,) * 3, (0.75,) * 3, (1.0,) * 3]
    with VideoSource(deep(tmp_path / "in.mkv", signals, transfer=18, primaries=9)) as source:
        shown = middles(next(iter(source)).image, 4)
        assert any("HLG" in notice for notice in source.notices)
    assert shown[0].max() <= 1
    assert 95 <= shown[1].mean() <= 125
    assert shown[2].min() >= 220
    assert shown[3].min() >= 253


def test_the_stated_peak_is_heeded(tmp_path):
    """What was graded to 4000 cd/m² keeps a difference above 1000 that other videos do not have."""
    from cartoonize.media.hdr import eetf

    bright, brighter = eetf(np.array([1000.0, 3000.0]), 4000.0)
    assert brighter - bright > 5
    assert np.ptp(eetf(np.array([1000.0, 3000.0]), 1000.0)) < 1e-6


def test_hdr_can_be_refused(tmp_path):
    """`--hdr fail` ends in one sentence, and writes nothing."""
    made = deep(tmp_path / "in.mkv", [(0.5,) * 3], transfer=16, primaries=9)
    with pytest.raises(MediaError, match="PQ"):
        null(made, tmp_path / "out.mp4", decoding=Decoding(hdr="fail"))
    assert not (tmp_path / "out.mp4").exists()


def test_ten_bits_of_sdr_stay_right_in_eight(tmp_path):
    """10-bit SDR keeps its colours to one level, and a notice says that it is 8-bit now."""
    colours = np.random.default_rng(2).integers(0, 256, (8, 3)) / 255
    made = deep(tmp_path / "in.mkv", colours, transfer=1, primaries=1, matrix="bt709")
    report = null(made, tmp_path / "out.mp4")
    assert any("10-bit" in notice for notice in report.notices)
    with VideoSource(made) as source:
        shown = middles(next(iter(source)).image, 8)
    assert np.abs(shown - 255 * colours).max() <= 1.5


ALPHA = np.zeros((48, 64), np.uint8)
ALPHA[:, 16:32], ALPHA[:, 32:] = 128, 255
TRANSPARENT = {
    "vp9-webm": (".webm", "libvpx-vp9", "yuva420p", {"crf": "4", "b": "0", "cpu-used": "8"}),
    "prores-mov": (".mov", "prores_ks", "yuva444p10le", {}),
    "ffv1-mkv": (".mkv", "ffv1", "yuva420p", {}),
    "png-mov": (".mov", "png", "rgba", {}),
}


def transparent(folder, kind):
    """Orange, of which a quarter is not there, and another is half there."""
    suffix, encoder, pixel_format, options = TRANSPARENT[kind]
    need(encoder)
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


def inside(plane):
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
    null(transparent(tmp_path, kind), tmp_path / f"out{target}", encoding=Encoding(codec=codec))
    with open_video(tmp_path / f"out{target}") as written:
        frames = list(written)
    assert len(frames) == 4
    assert all(np.abs(inside(frame.alpha) - [0, 128, 255]).max() <= 4 for frame in frames)
    assert all(np.abs(inside(frame.image)[2] - [220, 120, 40]).max() <= 8 for frame in frames)


@pytest.mark.parametrize(("background", "rgb"), [("white", (255, 255, 255)), ("#0000ff", (0, 0, 255))])
def test_transparency_that_cannot_be_kept_lies_on_a_colour(tmp_path, background, rgb):
    """MP4 gets the picture on the colour asked for, white by default, and a notice that says so."""
    source = transparent(tmp_path, "ffv1-mkv")
    report = null(source, tmp_path / "out.mp4", encoding=Encoding(crf=4, background=background))
    assert any(f"laid on {background}" in notice for notice in report.notices)
    shown = inside(read_clip(tmp_path / "out.mp4").images[0])
    half = (np.array([220, 120, 40]) + rgb) / 2
    assert np.abs(shown - [rgb, half, (220, 120, 40)]).max() <= 12


def combed(path, encoder, options):
    """A bar that moves between the two fields of each frame."""
    images = []
    for number in range(10):
        picture = np.full((48, 64, 3), 60, np.uint8)
        for field in (0, 1):
            left = 8 + 4 * number + 2 * field
            picture[field::2, left : left + 12] = 220
        images.append(picture)
    clip = Clip(codec=encoder, options=options, images=images, times=range(10))
    return clip.write(path)


def teeth(images):
    """How much rows differ from both their neighbours: large where fields interlock."""
    rows = np.stack(images).astype(int)[:, 8:-8]
    return np.minimum(abs(rows[:, 1:-1] - rows[:, :-2]), abs(rows[:, 1:-1] - rows[:, 2:])).mean()


@pytest.mark.parametrize(
    ("suffix", "encoder", "options"),
    [
        (".mkv", "libx264", {"crf": "8", "bf": "0", "flags": "+ildct+ilme", "x264-params": "tff=1"}),
        (".mkv", "mpeg2video", {"b": "6M", "flags": "+ildct+ilme"}),
    ],
    ids=["h264", "mpeg2"],
)
def test_interlaced_video_is_deinterlaced(tmp_path, suffix, encoder, options):
    """Comb lines are gone, frames keep number and times, and a notice says what was done."""
    need(encoder)
    source = combed(tmp_path / f"in{suffix}", encoder, options)
    report = null(source, tmp_path / "out.mkv")
    before, after = read_clip(source), read_clip(tmp_path / "out.mkv")
    assert [notice for notice in report.notices if "deinterlaced" in notice] != []
    assert np.allclose(before.times, after.times, atol=1e-3)
    assert teeth(after.images) < teeth(before.images) / 3


def remux(target, *sources, attach=None):
    """Write the streams of several files into one; return their number."""
    inputs = [av.open(source) for source in sources]
    with av.open(target, "w") as container:
        streams = {}
        for number, source in enumerate(inputs):
            for stream in source.streams:
                streams[number, stream.index] = container.add_stream_from_template(stream, opaque=True)
                streams[number, stream.index].disposition = (
                    Disposition.default if number == len(inputs) - 1 else Disposition(0)
                )
        if attach:
            container.add_attachment(*attach)
        for number, source in enumerate(inputs):
            for packet in source.demux():
                if packet.size:
                    packet.stream = streams[number, packet.stream.index]
                    container.mux(packet)
            source.close()
    return target


def test_one_of_several_video_streams_is_drawn(tmp_path):
    """The default stream, or the one asked for by number; the other is named, with the way to get it."""
    small = Clip(size=(32, 32)).write(tmp_path / "small.mkv")
    large = Clip(size=(64, 48)).write(tmp_path / "large.mkv")
    both = remux(tmp_path / "in.mkv", small, large)
    report = null(both, tmp_path / "default.mkv")
    assert read_clip(tmp_path / "default.mkv").images[0].shape == (48, 64, 3)
    assert any("--stream 0" in notice for notice in report.notices)
    null(both, tmp_path / "zero.mkv", decoding=Decoding(stream=0))
    assert read_clip(tmp_path / "zero.mkv").images[0].shape == (32, 32, 3)
    with pytest.raises(MediaError, match=r"its video streams are 0 \(h264, 32x32\), 1 \(h264, 64x48\)"):
        null(both, tmp_path / "none.mkv", decoding=Decoding(stream=5))


@pytest.fixture
def everything(tmp_path):
    """A video with two sounds, subtitles and a font."""
    text = tmp_path / "words.srt"
    text.write_text("1\n00:00:00,100 --> 00:00:00,400\nGood morning\n")
    video = Clip(tones=[440, 660], options=H264).write(tmp_path / "video.mkv")
    return remux(tmp_path / "in.mkv", video, text, attach=("letters.ttf", "font/ttf", b"no real font"))


def kinds(path):
    with av.open(path) as container:
        return sorted(stream.type for stream in container.streams)


def test_matroska_keeps_every_stream(tmp_path, everything):
    """Two sounds, subtitles and an attachment are all there, byte for byte, and there is no notice."""
    report = null(everything, tmp_path / "out.mkv")
    assert report.notices == []
    assert kinds(tmp_path / "out.mkv") == kinds(everything)
    for track in (0, 1):
        assert packets(tmp_path / "out.mkv", track) == packets(everything, track)
    with av.open(tmp_path / "out.mkv") as out:
        assert next(s for s in out.streams if s.type == "attachment").data == b"no real font"
        assert b"Good morning" in b"".join(bytes(p) for p in out.demux(subtitles=0))


def test_what_mp4_cannot_hold_is_named(tmp_path, everything):
    """Notices name each stream that the target cannot hold, and each one that is converted."""
    report = null(everything, tmp_path / "out.mp4")
    assert kinds(tmp_path / "out.mp4") == ["audio", "audio", "subtitle", "video"]
    assert any("stream 3 was converted to mov_text" in notice for notice in report.notices)
    assert any("attachment stream 4" in notice for notice in report.notices)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libx264", ".mp4"), ("libx265", ".mp4"), ("libsvtav1", ".mp4"), ("libvpx-vp9", ".webm"),
        ("libvpx", ".webm"), ("prores_ks", ".mov"), ("ffv1", ".mkv"), ("mjpeg", ".avi"), ("mpeg4", ".avi"),
        ("h264_nvenc", ".mp4"), ("hevc_nvenc", ".mp4"), ("av1_nvenc", ".mp4"), ("h264_qsv", ".mp4"),
        ("h264_amf", ".mp4"), ("h264_videotoolbox", ".mp4"),
    ],
)  # fmt: skip
def test_every_encoder_has_sound_defaults(tmp_path, codec, suffix):
    """Each writes all frames at their times, close to the source; without its hardware, one sentence."""
    need(codec)
    source = Clip(size=(256, 144), codec="ffv1", options={}).write(tmp_path / "in.mkv")
    target = tmp_path / f"out{suffix}"
    try:
        null(source, target, encoding=Encoding(codec=codec))
    except MediaError as error:
        problem = str(error)
    else:
        problem = ""
    if problem and codec.partition("_")[2] in ("nvenc", "qsv", "amf", "videotoolbox"):
        assert codec in problem
        assert not target.exists()
        pytest.skip(f"this machine has no such hardware: {problem}")
    assert problem == ""
    before, after = read_clip(source), read_clip(target)
    assert np.allclose(before.times, after.times, atol=1e-3)
    assert difference(before.images, after.images) < 3


def test_a_single_picture_is_no_video(tmp_path):
    """`open_video` sends a picture where pictures are drawn; `open_source` knows an animation from one."""
    Image.new("RGB", (8, 8)).save(tmp_path / "still.webp")
    with pytest.raises(MediaError, match="cartoonize image"):
        open_video(tmp_path / "still.webp")
    with open_source(animation(tmp_path / "moving.webp")) as source:
        assert source.frames == len(list(source)) == 5


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.muxer)
def test_every_container_of_the_table(tmp_path, container):
    """Each row of the table of containers holds all frames at their times, and the sound, or names it."""
    source = Clip(tones=[440], options=H264).write(tmp_path / "in.mp4")
    for suffix in container.suffixes:
        target = tmp_path / f"out{suffix}"
        report = null(source, target, overwrite=True)
        with open_video(target) as written:
            times = [frame.time for frame in written]
        assert len(times) == 12
        assert np.allclose(np.array(times) - times[0], np.arange(12) / 24, atol=0.006)
        if suffix != ".webp" and "audio" not in kinds(target):  # FFmpeg cannot read animated WebP
            assert any("audio stream 1" in notice for notice in report.notices)
