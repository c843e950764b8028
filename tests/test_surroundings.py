"""Failures outside the program: one sentence, an exit code of their own, and nothing lost."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from clips import Clip, read_clip
from noise import noise
from PIL import Image
from processes import (
    WAIT,
    command_line,
    environment,
    limit_file_size,
    read_terminal,
    run_python,
    start_program,
    wait_until,
)

from cartoonize.core import errors

TABLE = Path(__file__).parents[1] / "docs" / "exit-codes.md"
NOISE = noise(8, 240, 320)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A clip that takes some seconds to convert, with a large result."""
    images = [NOISE[n % 8] for n in range(400)]
    clip = Clip(size=(320, 240), times=range(400), images=images, codec="mjpeg", pixel_format="yuvj420p")
    clip.options = {}
    return clip.write(tmp_path_factory.mktemp("recording") / "in.mkv")


@pytest.fixture
def clip(tmp_path, recording):
    """A copy of the recording, which a test may change."""
    return Path(shutil.copy(recording, tmp_path))


@pytest.fixture
def folder(tmp_path):
    """The folder of the output, with an earlier output in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "out.mp4").write_text("earlier")
    return folder


def start(clip, target, *more, **options):
    return start_program("video", clip, target, "-y", "--style", "null", *more, **options)


def wait_for(process, folder, file="segment-0"):
    """Wait until the process has written a file in the folder of its segments; return the process."""
    wait_until((folder / ".out.mp4.cartoonize" / file).exists, process)
    return process


def check_failure(process, code):
    """Wait for the process; check its exit code and that it printed one sentence; return its stderr."""
    _, errors = process.communicate(timeout=WAIT)
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line.startswith(("Error:", "Stopped"))]
    assert len(lines) == 1, errors
    assert process.returncode == code, errors
    return errors


def test_the_table_is_complete():
    """The documents list every exit code, and each kind of error has its own."""
    listed = {int(code) for code in re.findall(r"^[|] (\d+) [|]", TABLE.read_text(), re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and "exit_code" in vars(kind)]
    codes = [kind.exit_code for kind in kinds]
    assert len(codes) == len(set(codes))
    assert set(codes) <= listed
    assert listed == {*codes, 0, 2, 128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP}


@pytest.mark.parametrize("limit", [8, 300, 300_000, 4_400_000])
def test_a_full_disk(clip, folder, limit):
    """If the disk is full, at once or after some segments, the earlier output and finished segments stay."""
    process = start(clip, folder / "out.mp4", preexec_fn=limit_file_size(limit))
    messages = check_failure(process, errors.SpaceError.exit_code)
    assert "out.mp4: File too large" in messages
    assert (folder / "out.mp4").read_text() == "earlier"
    kept = [path.name for path in folder.iterdir() if path.name != "out.mp4"]
    assert bool(kept) == ("the same command continues" in messages)
    assert bool(kept) == (limit > 300_000)
    assert "--codec" not in messages
    assert not list(folder.glob(".*/out.mp4"))


@pytest.mark.parametrize("muxer", ["mp4", "matroska", "mpegts", "y4m"])
def test_a_full_disk_behind_standard_output(tmp_path, muxer):
    """If standard output is a file on a full disk, an error says so, even if only the end has no space."""
    source = Clip(size=(320, 240), images=NOISE, times=range(8)).write(tmp_path / "in.mp4")
    with (tmp_path / "out").open("wb") as out:
        more = ("--format", muxer, "--style", "null")
        process = start_program("video", source, "-", *more, stdout=out, preexec_fn=limit_file_size(50_000))
        check_failure(process, errors.SpaceError.exit_code)


def test_a_folder_that_is_removed(clip, folder):
    """If the folder of the output is removed during the work, an error says so; it is not made again."""
    process = wait_for(start(clip, folder / "out.mp4"), folder)
    # In one step: rmtree alone fails if the process writes another file meanwhile.
    shutil.rmtree(folder.rename(folder.with_name("removed")))
    assert "No such file" in check_failure(process, errors.WriteError.exit_code)
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_folder(clip, folder):
    """A read-only folder is refused before any work is done."""
    folder.chmod(0o500)
    try:
        assert "not writable" in check_failure(start(clip, folder / "out.mp4"), errors.WriteError.exit_code)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("change", ["cut", "grown"])
def test_a_source_that_changes(clip, folder, change):
    """A source that shrinks or grows while it is read is an error; the earlier output stays."""
    process = wait_for(start(clip, folder / "out.mp4"), folder)
    with clip.open("rb+") as file:
        if change == "cut":
            file.truncate(clip.stat().st_size * 9 // 10)
        else:
            file.seek(0, os.SEEK_END)
            file.write(bytes(1000))
    assert "changed while it was read" in check_failure(process, errors.SourceError.exit_code)
    assert (folder / "out.mp4").read_text() == "earlier"


def test_a_source_that_is_removed_is_read_to_its_end(tmp_path, folder):
    """A source that is removed while it is read is read to its end: the output is complete."""
    if os.name == "nt":
        pytest.skip("Windows removes no open file")
    clip = Clip(size=(320, 240), times=range(600), tones=[440]).write(tmp_path / "in.mp4")
    process = wait_for(start(clip, folder / "out.mp4"), folder)
    clip.unlink()
    _, messages = process.communicate(timeout=WAIT)
    assert process.returncode == 0, messages
    assert len(read_clip(folder / "out.mp4").times) == 600


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process for a while")
def test_a_second_process(clip, folder):
    """A second process refuses to write the same output; the first one completes it."""
    first = wait_for(start(clip, folder / "out.mp4"), folder, "out.mp4")
    first.send_signal(signal.SIGSTOP)  # or it may be through before the second one begins
    messages = check_failure(start(clip, folder / "out.mp4"), errors.BusyError.exit_code)
    assert "Another process is writing" in messages
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=WAIT)
    assert first.returncode == 0
    assert len(read_clip(folder / "out.mp4").times) == 400


def test_a_closed_pipe(tmp_path):
    """If nobody reads the JSON, the video is complete, and the exit code tells of the closed pipe."""
    source = Clip().write(tmp_path / "in.mp4")
    read, write = os.pipe()
    os.close(read)
    process = start(source, tmp_path / "out.mp4", "--json", stdout=write)
    os.close(write)
    check_failure(process, errors.PipeError.exit_code)
    assert len(read_clip(tmp_path / "out.mp4").times) == 12


def convert(tmp_path, *options, **streams):
    """Convert a clip with odd standard streams; check that the video is complete, and the exit code 0."""
    source = Clip().write(tmp_path / "in.mp4")
    command = command_line("video", source, tmp_path / "out.mp4", "--style", "null", *options)
    done = subprocess.run(command, check=True, **streams)
    assert len(read_clip(tmp_path / "out.mp4").times) == 12
    return done


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_log_on_a_full_disk(tmp_path):
    """If messages cannot be written, the video is complete, and the exit code is 0."""
    with Path("/dev/full").open("w") as full:
        convert(tmp_path, stderr=full)


def test_a_closed_terminal(clip, folder):
    """If its terminal is closed and no signal comes, as after `disown`, a video is completed."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = start(clip, folder / "out.mp4", stderr=theirs, env=environment(TERM="xterm"))
    os.close(theirs)
    wait_for(process, folder)
    os.close(ours)
    assert process.wait(WAIT) == 0
    assert len(read_clip(folder / "out.mp4").times) == 400


def test_messages_that_nobody_reads(tmp_path):
    """A pipe that is closed, as by `2>&1 | head`, costs no video."""
    read, write = os.pipe()
    os.close(read)
    convert(tmp_path, stderr=write)
    os.close(write)


def test_no_standard_error(tmp_path):
    """A program that was started without standard error converts all the same."""
    done = convert(tmp_path, preexec_fn=lambda: os.close(2), stdout=subprocess.PIPE)
    assert done.stdout == b""


def test_no_standard_output(tmp_path):
    """A program that was started without standard output converts all the same, also with --json."""
    done = convert(tmp_path, "--json", preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE)
    assert b"Traceback" not in done.stderr


def test_the_terminal_is_as_before(clip, folder):
    """After a signal during the progress bar, the terminal shows its cursor again."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    slowly = ("--preset", "slower")  # time enough for a signal
    process = start(clip, folder / "out.mp4", *slowly, stderr=theirs, env=environment(TERM="xterm"))
    os.close(theirs)
    wait_for(process, folder)
    process.send_signal(signal.SIGTERM)
    shown = read_terminal(ours)
    os.close(ours)
    assert process.wait(WAIT) == 128 + signal.SIGTERM
    assert 0 < shown.rfind(b"\x1b[?25l") < shown.rfind(b"\x1b[?25h")  # hidden, and shown after that
    assert b"Traceback" not in shown


@pytest.mark.skipif(os.name == "nt", reason="Windows has another list of users")
@pytest.mark.parametrize("words", [["styles"], ["image", "in.png", "out.png", "--device", "cpu"]])
def test_a_user_without_a_home(tmp_path, words):
    """A user whom the system does not know, as in some containers, can convert; no folder ~ appears."""
    Image.new("RGB", (32, 32)).save(tmp_path / "in.png")
    code = f"""
import pwd, sys
def unknown(_): raise KeyError
pwd.getpwuid = unknown
sys.argv = ["cartoonize", *{words}]
from cartoonize.__main__ import main
main()
"""
    homes = ("HOME", "CARTOONIZE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    run_python(code, cwd=tmp_path, env=environment(*homes))
    assert not (tmp_path / "~").exists()
