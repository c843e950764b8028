"""A worker of the page converts as the command line does, and ends when nobody waits for its result."""

import threading
from contextlib import ExitStack

import numpy as np
import pytest
from clips import Clip, read_clip
from pictures import save_picture
from PIL import Image
from processes import file_limit

from cartoonize.core.errors import MediaError, SpaceError
from cartoonize.effects.compositing import Retouch
from cartoonize.effects.look import Look
from cartoonize.web.limits import Limits
from cartoonize.web.worker import CancelledError, FrameSpeed, Worker


@pytest.fixture
def clip(tmp_path):
    return Clip(times=range(24), tones=[440]).write(tmp_path / "clip.mp4")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "result").mkdir()
    return tmp_path / "result"


@pytest.fixture
def worker():
    worker = Worker(Limits())
    yield worker
    worker.close()


@pytest.mark.parametrize(
    ("look", "options"),
    [
        (Look(hold=2), ["--on-twos"]),
        (Look(hold=3, retouch=Retouch(0.5, True)), ["--on-threes", "--strength", "0.5", "--keep-colour"]),
    ],
)
def test_a_video_gets_its_look(run, worker, clip, folder, tiny_style, look, options):
    """On twos or threes, half of the drawing, in the source's colours: as `cartoonize video` does it."""
    progress = []
    result = worker.convert(clip, folder, str(tiny_style), look, lambda *values: progress.append(values))
    expected = folder.parent / "expected.mp4"
    assert run("video", clip, expected, "--style", tiny_style, *options)[0] == 0
    ours, theirs = read_clip(result.after), read_clip(expected)
    assert ours.times == theirs.times
    assert all(map(np.array_equal, ours.images, theirs.images))
    assert [done for done, _, _ in progress] == list(range(25))
    assert progress[-1][1:] == (24, 0.0)


def test_a_cancelled_conversion_leaves_nothing(worker, clip, folder):
    """A conversion that is cancelled ends before its next frame; the next one works."""
    cancelled = threading.Event()

    def cancel(done, total, left):
        if done == 3:
            cancelled.set()

    with pytest.raises(CancelledError):
        worker.convert(clip, folder, "null", Look(), cancel, cancelled=cancelled)
    assert not list(folder.glob("*.mp4"))
    result = worker.convert(clip, folder, "null", Look(), lambda *_: None)
    assert len(read_clip(result.after).times) == 24


def test_the_end_of_the_server_ends_conversions(worker, clip, folder):
    """When the server stops, the conversion at work stops too."""
    with pytest.raises(CancelledError):
        worker.convert(clip, folder, "null", Look(), lambda *_: worker.stop())


def test_the_number_of_frames_ends_a_video(monkeypatch, clip, folder):
    """A video whose header states no length ends at the limit of frames."""
    monkeypatch.setattr(Limits, "check", lambda *_: None)  # which asks the header
    worker = Worker(Limits(frames=23))
    with pytest.raises(MediaError, match="more than the 23 frames"):
        worker.convert(clip, folder, "null", Look(), lambda *_: None)
    worker.close()


def test_a_picture_as_png(worker, folder, tmp_path):
    """Programs get a PNG, whatever the format of the picture."""
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (64, 48), (200, 90, 40)).save(photo)
    result = worker.convert(photo, folder, "null", Look(), lambda *_: None, as_png=True)
    assert result.after.name == "photo-cartoon.png"
    with Image.open(result.after) as picture:
        assert (picture.format, picture.size) == ("PNG", (64, 48))


def test_a_disk_that_is_full_at_the_end(worker, folder, tmp_path):
    """If only the copy of a source for browsers finds no space, the error is a sentence, too."""
    photo = save_picture(tmp_path / "photo.tif")
    with ExitStack() as stack:

        def fill(done, *_):
            if done:
                stack.enter_context(file_limit(9))

        with pytest.raises(SpaceError, match=r"Cannot write .*before\.png: File too large\."):
            worker.convert(photo, folder, "null", Look(), fill)


@pytest.mark.parametrize("burst", [1, 8, 24])
def test_the_time_left_is_true_in_bursts(burst):
    """Frames come a batch at a time; the speed is that of the batches, from the fifth second on."""
    speed, now, measured = FrameSpeed(), 100.0, None
    for done in range(1, 121):  # 12 frames/s
        if (done - 1) % burst == 0:
            now += burst / 12
        measured = speed.measure(done, now + (done - 1) % burst * 0.001)
        if now >= 105:
            assert measured == pytest.approx(12, rel=0.05)
    assert measured is not None


def test_the_speed_follows_a_change():
    """When a video becomes slower to draw, the speed is that of the last 20 seconds."""
    speed, now = FrameSpeed(), 0.0
    for done in range(1, 601):
        now += 0.1 if done < 300 else 0.2
        measured = speed.measure(done, now)
    assert measured == pytest.approx(5, rel=0.05)
