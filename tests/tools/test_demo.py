"""The clip and the photo of `cartoonize demo`, which are made from installed files."""

import time

import av
import numpy as np
import pytest
from clips import names_in
from PIL import Image

from cartoonize.core.errors import MediaError
from cartoonize.tools import demo


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The clip, and the seconds of computing that it took."""
    path, started = tmp_path_factory.mktemp("demo") / "clip.mp4", time.process_time()
    demo.make_demo_clip(path)
    return path, time.process_time() - started


@pytest.fixture
def clip(made):
    return made[0]


def sound_of(clip):
    with av.open(clip) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def test_the_clip_has_every_frame_and_sound(clip):
    """The clip is 8 s of 640x360 at 24 frames/s, every frame there and evenly spaced, with stereo sound."""
    with av.open(clip) as container:
        video, audio = container.streams
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert container.duration / av.time_base == pytest.approx(8, abs=0.05)
        assert float(audio.duration * audio.time_base) == pytest.approx(8, abs=0.05)
        assert audio.layout.name == "stereo"
        frames = list(container.decode(video))
    assert {(frame.width, frame.height) for frame in frames} == {(640, 360)}
    assert [frame.time for frame in frames] == pytest.approx([n / 24 for n in range(192)], abs=1e-3)


def test_the_clip_states_its_colours(clip):
    """The clip states its colours, and decodes to the colours that were rendered."""
    with av.open(clip) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)
        decoded = frame.to_ndarray(format="rgb24", src_colorspace="ITU709").mean((0, 1))
    rendered = np.asarray(next(demo.render_frames())).mean((0, 1))
    np.testing.assert_allclose(decoded, rendered, atol=3)


def test_motion_is_even():
    """Within a shot, frames differ from their neighbours by nearly the same amount: nothing jitters."""
    frames = np.stack([np.asarray(picture.reduce(2), np.float32) for picture in demo.render_frames()])
    changes = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    assert changes.min() > 0.5
    for start in range(0, demo.FRAMES, demo.SHOT):
        shot = changes[start + demo.FADE : start + demo.SHOT - 1]
        assert np.abs(np.diff(shot)).max() < 0.1 * shot.mean()


def test_shots_stay_inside_their_photos():
    """The camera never leaves a photo."""
    for shot in demo.SHOTS:
        width, height = demo.open_photo(shot.photo).size
        for x, y, across in (shot.start, shot.end):
            down = across * demo.HEIGHT / demo.WIDTH
            assert across / 2 <= x <= width - across / 2
            assert down / 2 <= y <= height - down / 2


def test_the_melody_never_clips(clip):
    """There is sound in every half second; it never clips, and ends in silence."""
    sound = sound_of(clip)
    assert np.abs(sound).max() < 0.8
    for second in np.arange(0, 7.5, 0.5):
        start = int(second * demo.SAMPLE_RATE)
        assert sound[:, start : start + demo.SAMPLE_RATE // 2].std(axis=1).min() > 0.01
    np.testing.assert_allclose(demo.compose_melody()[:, -1], 0, atol=1e-3)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg"])
def test_the_photo_has_the_format_of_its_suffix(tmp_path, name):
    """The photo is written in the format of its suffix; an existing one is replaced."""
    (tmp_path / name).write_text("earlier")
    demo.make_demo_photo(tmp_path / name)
    with Image.open(tmp_path / name) as photo:
        assert (photo.size, photo.mode) == ((512, 512), "RGB")
    assert names_in(tmp_path) == [name]


def test_the_clip_is_made_in_seconds(made):
    """Making the clip takes less than ten seconds of computing."""
    assert made[1] < 10


def test_what_is_missing_is_a_sentence(tmp_path, monkeypatch):
    """A missing folder, or photos that are not installed, are one sentence, and leave nothing behind."""
    for make in (demo.make_demo_clip, demo.make_demo_photo):
        with pytest.raises(MediaError, match="there is no folder"):
            make(tmp_path / "gone" / "x.mp4")
    monkeypatch.setattr(demo, "SHOTS", (demo.Shot("gone.png", (1, 1, 1), (1, 1, 1)),))
    with pytest.raises(MediaError, match=r"scikit-image lacks its photo gone\.png"):
        demo.make_demo_clip(tmp_path / "clip.mp4")
    assert not list(tmp_path.iterdir())


def test_every_photo_is_credited():
    """As many authors are named as there are photos."""
    assert demo.PHOTO_CREDITS.count(", by ") == len({shot.photo for shot in demo.SHOTS})


@pytest.mark.parametrize("size", [(64, 36), (36, 64), (64, 64), (120, 20)])
def test_any_shape_can_be_asked_for(size):
    """Wide and tall clips can be made too, as the benchmark does."""
    assert next(demo.render_frames(*size)).size == size


@pytest.mark.slow
def test_the_command_shows_before_and_after(run, tmp_path, tiny_style):
    """`cartoonize demo` writes a clip and a photo with their cartoons, and refuses to replace them."""
    code, out, err = run("demo", tmp_path / "demo", "--style", tiny_style)
    assert (code, out) == (0, "")
    names = ["clip-cartoon.mp4", "clip.mp4", "photo-cartoon.png", "photo.png"]
    assert names_in(tmp_path / "demo") == names
    assert "192 frames in" in err
    assert "Rachel Michetti, CC0" in err
    assert run("demo", tmp_path / "demo", "--style", tiny_style)[0] == 1
