"""What breaks around the program: one sentence, a code of its own, and nothing lost, whatever it is."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from clips import Clip, read_clip

from cartoonize.core import errors

TABLE = Path(__file__).parents[1] / "docs" / "exit-codes.md"
NOISE = np.random.default_rng(0).integers(0, 256, (8, 240, 320, 3), dtype=np.uint8)


@pytest.fixture
def clip(tmp_path):
    """A clip that takes some seconds to draw, and whose drawing is large."""
    images = [NOISE[n % 8] for n in range(400)]
    clip = Clip(size=(320, 240), times=range(400), images=images, codec="mjpeg", pixel_format="yuvj420p")
    clip.options = {}
    return clip.write(tmp_path / "in.mkv")


@pytest.fixture
def folder(tmp_path):
    """Where the output goes, with an earlier one in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "out.mp4").write_text("earlier")
    return folder


def start(clip, target, *more, **options):
    command = [sys.executable, "-m", "cartoonize", "video", clip, target, "-y", "--style", "null", *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def begun(process, folder, file="out.mp4"):
    """Wait until the work has begun."""
    deadline = time.monotonic() + 60
    path = folder / ".out.mp4.cartoonize" / file
    while (
        not (path.exists() and path.stat().st_size) and process.poll() is None and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    return process


def ended(process, code):
    """The end of the work: its code, and one sentence, which is returned."""
    _, told = process.communicate(timeout=60)
    assert "Traceback" not in told
    lines = [line for line in told.splitlines() if line.startswith(("Error:", "Stopped"))]
    assert len(lines) == 1, told
    assert process.returncode == code, told
    return told


def test_the_table_is_complete():
    """Every exit code of the code is in the documents, and each kind of error has its own."""
    listed = {int(code) for code in re.findall(r"^[|] (\d+) [|]", TABLE.read_text(), re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and "exit_code" in vars(kind)]
    codes = [kind.exit_code for kind in kinds]
    assert len(codes) == len(set(codes))
    assert set(codes) <= listed
    assert listed == {*codes, 0, 2, 128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP}


@pytest.mark.parametrize("limit", [300_000, 4_400_000])
def test_a_full_disk(clip, folder, limit):
    """Without room, at once or after some segments: the earlier file stays, and so do finished segments."""
    resource = pytest.importorskip("resource")
    process = start(
        clip, folder / "out.mp4", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    told = ended(process, errors.SpaceError.exit_code)
    assert (folder / "out.mp4").read_text() == "earlier"
    kept = [path.name for path in folder.iterdir() if path.name != "out.mp4"]
    assert bool(kept) == ("the same command continues" in told)
    assert bool(kept) == (limit > 300_000)
    assert not list(folder.glob(".*/out.mp4"))


def test_a_folder_that_is_removed(clip, folder):
    """When the folder of the output is removed under the work, that is said, and it is not made again."""
    process = begun(start(clip, folder / "out.mp4"), folder, "segment-0")
    shutil.rmtree(folder)
    assert "No such file" in ended(process, errors.WriteError.exit_code)
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_folder(clip, folder):
    """A folder that cannot be written to is named before any work is done."""
    folder.chmod(0o500)
    try:
        assert "not writable" in ended(start(clip, folder / "out.mp4"), errors.WriteError.exit_code)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("change", ["cut", "grown"])
def test_a_source_that_changes(clip, folder, change):
    """A source that is cut or goes on growing while it is read is noticed; the earlier output stays."""
    process = begun(start(clip, folder / "out.mp4"), folder, "segment-0")
    with clip.open("rb+") as file:
        if change == "cut":
            file.truncate(clip.stat().st_size * 9 // 10)
        else:
            file.seek(0, os.SEEK_END)
            file.write(bytes(1000))
    assert "changed while it was read" in ended(process, errors.SourceError.exit_code)
    assert (folder / "out.mp4").read_text() == "earlier"


def test_a_source_that_is_removed_is_read_to_its_end(tmp_path, folder):
    """Removing an open file harms nobody who reads it: the output is whole."""
    if os.name == "nt":
        pytest.skip("Windows removes no open file")
    clip = Clip(size=(320, 240), times=range(600), tones=[440]).write(tmp_path / "in.mp4")
    process = begun(start(clip, folder / "out.mp4"), folder, "segment-0")
    clip.unlink()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert len(read_clip(folder / "out.mp4").times) == 600


def test_a_second_process(clip, folder):
    """A video that is being written is left alone by others, who say so; it comes out whole."""
    first = begun(start(clip, folder / "out.mp4"), folder)
    told = ended(start(clip, folder / "out.mp4"), errors.BusyError.exit_code)
    assert "Another process is writing" in told
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert len(read_clip(folder / "out.mp4").times) == 400


def test_a_closed_pipe(tmp_path):
    """When nobody reads the JSON, the video is whole all the same, and the code says what was missed."""
    source = Clip().write(tmp_path / "in.mp4")
    read, write = os.pipe()
    os.close(read)
    process = start(source, tmp_path / "out.mp4", "--json", stdout=write)
    os.close(write)
    ended(process, errors.PipeError.exit_code)
    assert len(read_clip(tmp_path / "out.mp4").times) == 12


def test_the_terminal_is_as_before(clip, folder):
    """After Ctrl-C in the middle of the progress bar the cursor is shown again."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cartoonize", "video", clip, folder / "out.mp4", "-y", "--style", "null",
               "--preset", "slower"]  # fmt: skip  # lasts on a busy machine, too
    process = subprocess.Popen(command, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    begun(process, folder, "segment-0")
    process.send_signal(signal.SIGTERM)
    shown = b""
    while chunk := _chunk(ours):
        shown += chunk
    os.close(ours)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert 0 < shown.rfind(b"\x1b[?25l") < shown.rfind(b"\x1b[?25h")  # hidden, and shown after that
    assert b"Traceback" not in shown


def _chunk(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # how a terminal ends
        return b""
