"""Following a folder: what comes into it is drawn when it is whole, and once."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from clips import Clip, heeding, put, read_clip

from cartoonize import MediaError
from cartoonize.cli.files import OutcomeLog, select_jobs
from cartoonize.run.files import Job, find, videos
from cartoonize.run.watch import Settling, Stamp, watch_folder


def test_growing_files_wait():
    """A file is taken when it has been the same for long enough, and once; a newer one by its name again."""
    settling, path = Settling(quiet=3.0), Path("a.mp4")
    assert settling.look({path: Stamp(10, 1)}, 0.0) == []
    assert settling.look({path: Stamp(20, 2)}, 2.0) == []
    assert settling.look({path: Stamp(20, 2)}, 4.9) == []
    assert settling.look({path: Stamp(20, 2)}, 5.0) == [path]
    assert settling.take(path) is False
    assert settling.look({path: Stamp(20, 2)}, 99.0) == []
    assert settling.look({}, 100.0) == []  # moved away,
    assert settling.look({path: Stamp(20, 2)}, 101.0) == []  # and back
    assert settling.look({path: Stamp(20, 2)}, 105.0) == []
    assert settling.look({path: Stamp(20, 3)}, 106.0) == []
    assert settling.look({path: Stamp(20, 3)}, 109.0) == [path]
    assert settling.take(path) is True


def test_empty_and_closed_files_are_not_there_yet(here):
    """A name that a browser has reserved, and a file that cannot be opened, are waited for."""
    Path("empty.mp4").touch()
    put("a.mp4")
    assert Stamp.of(Path("empty.mp4")) is None
    assert Stamp.of(Path("gone.mp4")) is None
    assert Stamp.of(Path("a.mp4")) is not None


def test_arrivals_are_handed_out_one_by_one(here):
    """First what is there, then what comes, also in new folders, each once; a replaced one as such."""
    put("in/b.mp4", "in/sub/a.mp4", "in/c.mp4.part")

    def there():
        return find([Path("in")], Path("in/out"), videos()).jobs

    with closing(watch_folder([Path("in")], there, quiet=0.1)) as arriving:
        assert [next(arriving) for _ in range(2)] == [
            (Job(Path("in/b.mp4"), Path("in/out/b.mp4")), False),
            (Job(Path("in/sub/a.mp4"), Path("in/out/sub/a.mp4")), False),
        ]
        put("in/out/b.mp4", "in/new/d.mp4")
        assert next(arriving) == (Job(Path("in/new/d.mp4"), Path("in/out/new/d.mp4")), False)
        Path("in/b.mp4").write_text("something else")
        assert next(arriving) == (Job(Path("in/b.mp4"), Path("in/out/b.mp4")), True)


def test_a_followed_folder_that_goes_away_is_told(here):
    """Its end is a sentence, not a silence."""
    put("in/a.mp4")
    with closing(watch_folder([Path("in")], list, quiet=0.1)) as arriving:
        Path("in").rename("elsewhere")
        with pytest.raises(MediaError, match=r"in is not there any more|Cannot follow in"):
            next(arriving)


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_drawn_is_drawn_again_only_on_demand(here, capsys, overwrite):
    """What is there is left alone; with --overwrite a newer source is drawn again, and no other."""
    put("in/new.mp4", "in/same.mp4", "in/older.mp4", "in/replaced.mp4")
    put("out/same.mp4", "out/older.mp4", "out/replaced.mp4")
    os.utime("out/older.mp4", (1, 1))
    arriving = [
        (Job(Path("in") / name, Path("out") / name), name == "replaced.mp4")
        for name in ("new.mp4", "same.mp4", "older.mp4", "replaced.mp4")
    ]
    wanted = [
        job.source.name
        for job in select_jobs(arriving, OutcomeLog("out", "null", as_json=False), overwrite=overwrite)
    ]
    again = ["older.mp4", "replaced.mp4"]
    assert wanted == ["new.mp4", *(again if overwrite else [])]
    assert ("has changed" in capsys.readouterr().err) is not overwrite


def test_arrivals_never_share_an_output(here, capsys):
    """The second source of one output fails, and the first one's drawing stays."""
    arriving = [(Job(Path("in") / name, Path("out/a.mkv")), False) for name in ("a.mkv", "a.wmv")]
    assert len(list(select_jobs(arriving, OutcomeLog("out", "null", as_json=False), overwrite=True))) == 1
    assert "a.mkv becomes" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are sent as Unix knows them")
@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_is_followed(here, fails):
    """What is there is drawn, then what comes, when it is whole; Ctrl-C ends with a summary: 0, or 1 and a
    list if a file could not be drawn."""
    Path("in").mkdir()
    Clip().write(Path("in/there.mp4"))
    late = Clip(times=range(48)).write(Path("late.mp4")).read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-m", "cartoonize", "video", "in", "in/out", "--style", "null", "--watch", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeding(signal.SIGINT),  # noqa: PLW1509  # no other thread runs here
    )
    wait_for("in/out/there.mp4")
    put(*(["in/bad.mp4"] if fails else []), "in/unfinished.mp4.part")
    with Path("in/late.mp4").open("wb") as file:
        for start in range(0, len(late), len(late) // 4):
            file.write(late[start : start + len(late) // 4])
            file.flush()
            time.sleep(1)
    wait_for("in/out/late.mp4")
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == fails
    assert len(read_clip(Path("in/out/late.mp4")).images) == 48
    told = json.loads(out)
    assert (told["converted"], told["failed"], told["skipped"]) == (2, int(fails), 0)
    assert "Traceback" not in errors
    assert ("1 of 3 files could not be converted" in errors) is fails
    assert sorted(path.name for path in Path("in/out").iterdir()) == ["late.mp4", "there.mp4"]


def wait_for(path):
    deadline = time.monotonic() + 60
    while not Path(path).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
