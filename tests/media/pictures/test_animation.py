"""GIF, WebP, PNG and AVIF animations."""

from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pytest
from clips import Clip, convert, mean_difference, names_in, read_clip
from PIL import Image

from cartoonize import Encoding, MediaError
from cartoonize.media import open_source, open_video
from cartoonize.media.writing.last_frame import set_animation_length

DELAYS = [100, 50, 200, 40, 80]  # ms


ANIMATIONS = [".gif", ".webp", ".png"]


def write_animation(path, loop=3):
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


def read_animation(path):
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
    made = write_animation(tmp_path / f"in{source}")
    convert(made, tmp_path / f"out{target}")
    (before, delays, loop), (after, kept, loops) = (
        read_animation(made),
        read_animation(tmp_path / f"out{target}"),
    )
    assert kept == delays == DELAYS
    # GIF counts the times after the first, the others all of them.
    assert loops + (target == ".gif") == loop + (source == ".gif")
    if (source, target) != (".gif", ".webp"):  # made of opaque rectangles, which Pillow reads as RGB
        assert np.array_equal(after[..., 3] > 128, before[..., 3] > 128)
    opaque = before[..., 3] == 255
    assert np.abs(after - before)[opaque].mean() < 6


@pytest.mark.parametrize("target", ANIMATIONS)
@pytest.mark.parametrize(("suffix", "b_frames"), [(".mkv", "0"), (".mp4", "0"), (".mp4", "2")])
def test_the_last_frame_of_a_video_keeps_its_duration(tmp_path, suffix, b_frames, target):
    """In an animation of a video, the last frame is shown as long as in the video, even if the end does not
    move, so that the format stores several frames as one, and if frames are stored out of order."""
    still = [np.full((48, 64, 3), 200 if number else 40, np.uint8) for number in range(4)]
    clip = Clip(images=still, times=(0, 2, 6, 12), time_base=Fraction(1, 20), last_duration=5)
    clip.options = {"bf": b_frames, "x264-params": "b-adapt=0"}
    convert(clip.write(tmp_path / f"in{suffix}"), tmp_path / f"out{target}", stabilize=False)
    _, delays, _ = read_animation(tmp_path / f"out{target}")
    assert delays[0] == 100
    assert sum(delays) == 850


@pytest.mark.parametrize("seconds", [Fraction(1, 24), Fraction(1001, 30000), Fraction(70), Fraction(10**6)])
def test_any_duration_fits_into_an_animation(tmp_path, seconds):
    """The last frame is shown as long as asked for, to the millisecond, or as long as the format allows."""
    for name, kind, longest in (("a.webp", "webp", 16777.215), ("a.png", "apng", 65535)):
        path = write_animation(tmp_path / name)
        set_animation_length(path, kind, Fraction(sum(DELAYS[:-1]), 1000) + seconds)
        frames, delays, _ = read_animation(path)
        assert len(frames) == 5
        assert delays[:-1] == DELAYS[:-1]
        assert delays[-1] == pytest.approx(1000 * min(seconds, longest), abs=1)
        with Image.open(path) as picture:
            picture.verify()


@pytest.mark.skipif(find_spec("PIL._avif") is None, reason="this build of Pillow has no AVIF")
def test_rounded_durations_do_not_add_up(tmp_path):
    """An AVIF animation of 24 frames/s keeps its length and its rate, though 42 ms a frame are too long."""
    frames = [Image.new("RGB", (32, 32), (10 * number, 90, 60)) for number in range(24)]
    frames[0].save(tmp_path / "in.avif", save_all=True, append_images=frames[1:], duration=[42, 42, 41] * 8)
    convert(tmp_path / "in.avif", tmp_path / "out.mkv")
    assert read_clip(tmp_path / "out.mkv").times[-1] == pytest.approx(23 / 24, abs=0.002)
    with open_video(tmp_path / "in.avif") as source:
        assert source.video.rate == pytest.approx(24, abs=0.2)


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
    report = convert(tmp_path / "in.avif", tmp_path / target, encoding=encoding)
    pictures, delays, _ = read_animation(tmp_path / target)
    assert delays == DELAYS
    assert np.abs(pictures[:, 36, 48, 0] - 40 * np.arange(5)).max() < 6
    assert (pictures[:, 8, 8, 3] < 8).all() == is_kept
    assert (pictures[:, 36, 48, 3] == 255).all()
    notices = [notice for notice in report.notices if "laid on white. Write .webp, .png, .gif" in notice]
    assert len(notices) == (not is_kept)
    assert names_in(tmp_path) == ["in.avif", target]


def test_a_video_becomes_a_gif_of_good_colours(tmp_path):
    """Each frame has its own palette: a gradient stays within 6 grey levels on average."""
    ramp = np.stack(np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 5), [128]), -1).reshape(52, 64, 3)
    made = Clip(size=(64, 52), images=[ramp.astype(np.uint8)] * 4, times=range(4), codec="ffv1", options={})
    made.pixel_format = "yuv444p"
    source = made.write(tmp_path / "in.mkv")
    convert(source, tmp_path / "out.gif")
    assert (
        mean_difference(
            read_clip(source).images, [frame[..., :3] for frame in read_animation(tmp_path / "out.gif")[0]]
        )
        < 6
    )
    assert read_animation(tmp_path / "out.gif")[2] == 0  # without end


def test_a_gif_of_a_fast_video_has_increasing_times(tmp_path):
    """Above 100 frames per second a GIF keeps one frame per tick, and a notice counts the rest."""
    source = Clip(times=range(60), time_base=Fraction(1, 120)).write(tmp_path / "in.mp4")
    report = convert(source, tmp_path / "out.gif")
    assert any("10 of 60 were left out" in notice for notice in report.notices)
    times = read_clip(tmp_path / "out.gif").times
    assert len(times) == 50
    assert times == sorted(set(times))


@pytest.mark.parametrize(("stated", "shown"), [(0, 0.1), (10, 0.1), (40, 0.04)])
def test_an_animation_without_durations_plays_as_in_a_browser(tmp_path, stated, shown):
    """A WebP animation whose frames state no time, or next to none, shows each for a tenth of a second."""
    frames = [Image.new("RGB", (32, 32), (60 * n, 100, 40)) for n in range(4)]
    frames[0].save(
        tmp_path / "in.webp", save_all=True, append_images=frames[1:], duration=stated, lossless=True
    )
    with open_source(tmp_path / "in.webp") as source:
        times = [frame.time for frame in source]
    assert times == pytest.approx([n * shown for n in range(4)])
    convert(tmp_path / "in.webp", tmp_path / "out.mp4")
    assert read_clip(tmp_path / "out.mp4").times == pytest.approx(times, abs=1e-3)


def test_a_single_picture_is_no_video(tmp_path):
    """`open_video` sends a picture where pictures are drawn; `open_source` knows an animation from one."""
    Image.new("RGB", (8, 8)).save(tmp_path / "still.webp")
    with pytest.raises(MediaError, match="cartoonize image"):
        open_video(tmp_path / "still.webp")
    with open_source(write_animation(tmp_path / "moving.webp")) as source:
        assert source.frames == len(list(source)) == 5
