"""Damaged files cause no hang, no traceback and no crash, and no frame is missing in silence.

Clips and pictures are made here and mutated by a seeded generator; the environment variable CARTOONIZE_FUZZ
says how many of each (300 by default, of which the quick suite takes 12).
"""

import json
import os
import queue
import subprocess
import sys
import threading
from functools import partial

import av
import numpy as np
import pytest
from clips import Clip, names_in, read_clip
from containers import H264, VP9
from mutations import MUTATIONS
from PIL import Image

from cartoonize import MediaError, stylize
from cartoonize.core.errors import DamageError
from cartoonize.media import PICTURE_SUFFIXES

CASES = int(os.environ.get("CARTOONIZE_FUZZ", "300"))
QUICK = range(0, 300, 25)
SECONDS = 60

WORKER = """
import contextlib, io, json, sys, traceback
from cartoonize.cli import main as cli
answers = sys.stdout
for line in sys.stdin:
    sys.argv = ["cartoonize", *json.loads(line)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stopped:
            code = stopped.code
        except BaseException:
            code, _ = "traceback", traceback.print_exc()
    print(json.dumps([code, out.getvalue(), err.getvalue()]), file=answers, flush=True)
"""


class Worker:
    """The program, in one process for many commands; one that crashes or hangs is replaced."""

    def __init__(self):
        self.process = None

    def run(self, *arguments):
        """Return exit code, stdout and stderr; the code of a process that crashes or hangs is that word."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        answers = queue.Queue()
        thread = threading.Thread(target=lambda: answers.put(self.process.stdout.readline()))
        self.process.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        self.process.stdin.flush()
        thread.start()
        try:
            line = answers.get(timeout=SECONDS)
        except queue.Empty:
            line = None
            self.process.kill()
        thread.join()
        if not line:
            self.close()
            return ("hang" if line is None else "crash"), "", ""
        return tuple(json.loads(line))

    def close(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.close()


PICTURES = (".png", ".jpg", ".webp", ".tif", ".bmp", ".heic", ".avif", ".jp2")


def mutated(path, number, folder):
    """Write the file with damage, which is a function of `number`."""
    rng = np.random.default_rng(number)
    data = bytearray(path.read_bytes())
    MUTATIONS[number % len(MUTATIONS)](data, rng)
    target = folder / f"case{path.suffix}"
    target.write_bytes(data)
    return target


FRAMES = 48


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A clip with sound in each container."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    images = [np.roll(rng.integers(0, 256, (48, 64, 3), np.uint8), n, 1) for n in range(FRAMES)]
    make = partial(Clip, times=range(FRAMES), images=images, tones=[440])
    return [
        make(options=H264).write(folder / "a.mp4"),
        make(options=H264).write(folder / "a.mkv"),
        make(codec="libvpx-vp9", audio_codec="libopus", options=VP9).write(folder / "a.webm"),
    ]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A picture in each format."""
    folder = tmp_path_factory.mktemp("pictures")
    y, x = np.mgrid[:90, :120]
    picture = Image.fromarray(np.stack([x * 2, y * 2, (x + y) % 256], -1).astype(np.uint8))
    names = [f"a{suffix}" for suffix in PICTURES if suffix in PICTURE_SUFFIXES]
    for name in names:
        picture.save(folder / name, **({"compression": "tiff_lzw"} if name == "a.tif" else {}))
    return [folder / name for name in names]


def check_clip(worker, clips, folder, number):
    source = mutated(clips[number // 4 % len(clips)], number, folder)
    target = folder / "out.mp4"
    code, out, messages = worker.run("video", source, target, "--style", "null", "--json")
    case = f"case {number}, {source.suffix}, {MUTATIONS[number % 4].__name__}: {code} {messages}"
    assert code in (0, 1, 3), case
    assert "Traceback" not in messages, case
    if code == 0:
        report = json.loads(out)
        assert len(read_clip(target).times) == report["frames"], case
        assert report["frames"] == FRAMES or report["notices"], case
        target.unlink()
    assert [path.name for path in folder.iterdir() if "partial" not in path.name] == [source.name], case
    partial_target = folder / "out.partial.mp4"
    assert partial_target.exists() == (code == 3), case
    if code == 3:
        assert len(read_clip(partial_target).times) == json.loads(out)["frames"] > 0, case
        partial_target.unlink()
    source.unlink()


def check_picture(worker, pictures, folder, number):
    source = mutated(pictures[number // 4 % len(pictures)], number, folder)
    target = folder / "out.png"
    code, _, messages = worker.run("image", source, target, "--style", "null", "--json")
    case = f"case {number}, {source.suffix}, {MUTATIONS[number % 4].__name__}: {code} {messages}"
    assert code in (0, 1), case
    assert "Traceback" not in messages, case
    assert target.exists() == (code == 0), case
    target.unlink(missing_ok=True)
    assert names_in(folder) == [source.name], case
    source.unlink()


@pytest.mark.parametrize("number", QUICK)
@pytest.mark.parametrize("check", [check_clip, check_picture], ids=["clip", "picture"])
def test_some_damage_does_no_harm(worker, clips, pictures, tmp_path, check, number):
    """A damaged clip or picture is converted as far as possible, or refused in one sentence (a few cases)."""
    check(worker, clips if check is check_clip else pictures, tmp_path, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(CASES))
def test_damaged_clips_do_no_harm(worker, clips, tmp_path, number):
    """A damaged clip becomes a video of all that can be decoded, with a note about missing frames.

    Otherwise the program ends in an error of one sentence, within a minute. No other file is left.
    """
    check_clip(worker, clips, tmp_path, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(CASES))
def test_damaged_pictures_do_no_harm(worker, pictures, tmp_path, number):
    """A damaged picture is converted, or refused in one sentence. No other file is left."""
    check_picture(worker, pictures, tmp_path, number)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_cut_clip_becomes_a_partial_file(tmp_path, suffix):
    """A truncated clip is converted as far as possible, into a file named partial."""
    clip = Clip(times=range(96), tones=[440], options={"crf": "10", "g": "12"})
    source = clip.write(tmp_path / f"whole{suffix}")
    if suffix == ".mp4":  # with the index in front, so that a cut file can be opened
        stylize(source, tmp_path / "front.mp4", "null")
        source = tmp_path / "front.mp4"
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(source.read_bytes()[: source.stat().st_size * 2 // 3])
    with pytest.raises(DamageError, match=r"out\.partial\.mp4"):
        stylize(cut, tmp_path / "out.mp4", "null")
    assert not (tmp_path / "out.mp4").exists()
    drawn = read_clip(tmp_path / "out.partial.mp4").times
    assert 30 < len(drawn) < 96
    assert drawn == pytest.approx([n / 24 for n in range(len(drawn))], abs=1e-3)
    report = stylize(cut, tmp_path / "out.mp4", "null", tolerate_errors=True)
    assert report.frames == len(drawn)
    assert any("cut short" in notice for notice in report.notices)


def test_no_picture_is_no_result(tmp_path):
    """A clip without decodable frames is an error, with and without a partial result."""
    source = Clip(codec="mjpeg", pixel_format="yuvj420p", options={}).write(tmp_path / "in.avi")
    with av.open(source) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(source.read_bytes())
    for place, size in places:
        data[place : place + size] = bytes(size)
    source.write_bytes(data)
    with pytest.raises(MediaError):
        stylize(source, tmp_path / "out.mp4", "null", tolerate_errors=True)
    assert names_in(tmp_path) == ["in.avi"]
