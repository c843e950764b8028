"""What the page converts is what the command line would, and it ends when nobody wants it any more."""

import numpy as np
import pytest
from clips import Clip, read_clip

pytest.importorskip("gradio", reason="the web page needs cartoonize[web]")
from cartoonize.core.errors import MediaError
from cartoonize.effects.compositing import Retouch
from cartoonize.effects.look import Look
from cartoonize.web.limits import Limits
from cartoonize.web.worker import CancelledError, Worker


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
    result = worker.convert(
        "job", clip, folder, str(tiny_style), look, lambda *values: progress.append(values)
    )
    expected = folder.parent / "expected.mp4"
    assert run("video", clip, expected, "--style", tiny_style, *options)[0] == 0
    ours, theirs = read_clip(result.after), read_clip(expected)
    assert ours.times == theirs.times
    assert all(map(np.array_equal, ours.images, theirs.images))
    assert [done for done, _, _ in progress] == list(range(25))
    assert progress[-1][1:] == (24, 0.0)


def test_a_cancelled_conversion_leaves_nothing(worker, clip, folder):
    """A conversion that is cancelled ends before its next frame; its name can be used for another."""

    def cancel(done, total, left):
        if done == 3:
            worker.cancel("job")

    with pytest.raises(CancelledError):
        worker.convert("job", clip, folder, "null", Look(), cancel)
    assert not list(folder.glob("*.mp4"))
    worker.cancel("job")
    result = worker.convert("job", clip, folder, "null", Look(), lambda *_: None)
    assert len(read_clip(result.after).times) == 24


def test_the_end_of_the_server_ends_conversions(worker, clip, folder):
    """When the server stops, the conversion at work stops too."""
    with pytest.raises(CancelledError):
        worker.convert("job", clip, folder, "null", Look(), lambda *_: worker.stop())


def test_the_number_of_frames_ends_a_video(monkeypatch, clip, folder):
    """A video whose header states no length ends at the limit of frames."""
    monkeypatch.setattr(Limits, "check", lambda *_: None)  # which asks the header
    worker = Worker(Limits(frames=23))
    with pytest.raises(MediaError, match="more than the 23 frames"):
        worker.convert("job", clip, folder, "null", Look(), lambda *_: None)
    worker.close()
