"""Watching a folder: each file that arrives is converted when it is complete, and once."""

import json
import os
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from clips import Clip, make_files, names_in, read_clip
from processes import WAIT, start_program, wait_until

from cartoonize import MediaError
from cartoonize.cli.outcome_log import OutcomeLog
from cartoonize.cli.watching import select_jobs
from cartoonize.run.file_jobs import Job
from cartoonize.run.plan import find_jobs, videos
from cartoonize.run.watch import CompletionTracker, FileStamp, watch_folder


def test_growing_files_wait():
    """A file is taken once, when it has not changed for a while, and again if another one takes its name."""
    tracker, path = CompletionTracker(quiet=3.0), Path("a.mp4")
    assert tracker.update({path: FileStamp(10, 1)}, 0.0) == []
    assert tracker.update({path: FileStamp(20, 2)}, 2.0) == []
    assert tracker.update({path: FileStamp(20, 2)}, 4.9) == []
    assert tracker.update({path: FileStamp(20, 2)}, 5.0) == [path]
    assert tracker.take(path) is False
    assert tracker.update({path: FileStamp(20, 2)}, 99.0) == []
    assert tracker.update({}, 100.0) == []  # moved away,
    assert tracker.update({path: FileStamp(20, 2)}, 101.0) == []  # and back
    assert tracker.update({path: FileStamp(20, 2)}, 105.0) == []
    assert tracker.update({path: FileStamp(20, 3)}, 106.0) == []
    assert tracker.update({path: FileStamp(20, 3)}, 109.0) == [path]
    assert tracker.take(path) is True


def test_empty_and_unreadable_files_wait(workdir):
    """A name that a browser has reserved is not complete, and neither is a file that cannot be opened."""
    Path("empty.mp4").touch()
    make_files("a.mp4")
    assert FileStamp.of(Path("empty.mp4")) is None
    assert FileStamp.of(Path("gone.mp4")) is None
    assert FileStamp.of(Path("a.mp4")) is not None


def test_arrivals_come_one_by_one(workdir):
    """The files that exist come first, then new ones, also in new folders, each once; a replaced file comes
    again."""
    make_files("in/b.mp4", "in/sub/a.mp4", "in/c.mp4.part")

    def existing():
        return find_jobs([Path("in")], Path("in/out"), videos()).jobs

    with closing(watch_folder([Path("in")], existing, quiet=0.1)) as arriving:
        assert [next(arriving) for _ in range(2)] == [
            (Job(Path("in/b.mp4"), Path("in/out/b.mp4")), False),
            (Job(Path("in/sub/a.mp4"), Path("in/out/sub/a.mp4")), False),
        ]
        make_files("in/out/b.mp4", "in/new/d.mp4")
        assert next(arriving) == (Job(Path("in/new/d.mp4"), Path("in/out/new/d.mp4")), False)
        Path("in/b.mp4").write_text("something else")
        assert next(arriving) == (Job(Path("in/b.mp4"), Path("in/out/b.mp4")), True)


def test_a_watched_folder_that_is_removed_is_an_error(workdir):
    """If a watched folder is removed, the program ends with a sentence; it does not wait for ever."""
    make_files("in/a.mp4")
    with closing(watch_folder([Path("in")], list, quiet=0.1)) as arriving:
        Path("in").rename("elsewhere")
        with pytest.raises(MediaError, match=r"in no longer exists|Cannot watch in"):
            next(arriving)


@pytest.mark.parametrize("overwrite", [False, True])
def test_outputs_are_replaced_only_on_demand(workdir, capsys, overwrite):
    """An existing output is kept; with --overwrite only the outputs of newer sources are replaced."""
    make_files("in/new.mp4", "in/same.mp4", "in/older.mp4", "in/replaced.mp4")
    make_files("out/same.mp4", "out/older.mp4", "out/replaced.mp4")
    os.utime("out/older.mp4", (1, 1))
    arriving = [
        (Job(Path("in") / name, Path("out") / name), name == "replaced.mp4")
        for name in ("new.mp4", "same.mp4", "older.mp4", "replaced.mp4")
    ]
    selected = [
        job.source.name
        for job in select_jobs(arriving, OutcomeLog("out", "null", as_json=False), overwrite=overwrite)
    ]
    again = ["older.mp4", "replaced.mp4"]
    assert selected == ["new.mp4", *(again if overwrite else [])]
    assert ("has changed" in capsys.readouterr().err) is not overwrite


def test_arrivals_never_share_an_output(workdir, capsys):
    """The second source of an output fails, and the output of the first one stays."""
    arriving = [(Job(Path("in") / name, Path("out/a.mkv")), False) for name in ("a.mkv", "a.wmv")]
    assert len(list(select_jobs(arriving, OutcomeLog("out", "null", as_json=False), overwrite=True))) == 1
    assert "a.mkv becomes" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are sent as Unix knows them")
@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_is_watched(workdir, fails):
    """Files that exist are converted, then new ones once they are complete. Ctrl-C ends with a summary, and
    with exit code 0, or 1 if a file could not be converted."""
    Path("in").mkdir()
    Clip().write(Path("in/there.mp4"))
    late = Clip(times=range(48)).write(Path("late.mp4")).read_bytes()
    words = ("video", "in", "in/out", "--style", "null", "--watch", "--json")
    process = start_program(*words, stdout=subprocess.PIPE)
    wait_until(Path("in/out/there.mp4").exists, process)
    make_files(*(["in/bad.mp4"] if fails else []), "in/unfinished.mp4.part")
    with Path("in/late.mp4").open("wb") as file:
        for start in range(0, len(late), len(late) // 4):
            file.write(late[start : start + len(late) // 4])
            file.flush()
            time.sleep(1)
    wait_until(Path("in/out/late.mp4").exists, process)
    time.sleep(4)  # a mistaken conversion of the unfinished file would begin
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=WAIT)
    assert process.returncode == fails
    assert len(read_clip(Path("in/out/late.mp4")).images) == 48
    report = json.loads(out)
    assert (report["converted"], report["failed"], report["skipped"]) == (2, int(fails), 0)
    assert "Traceback" not in errors
    assert ("1 of 3 files could not be converted" in errors) is fails
    assert names_in(Path("in/out")) == ["late.mp4", "there.mp4"]
