"""Progress bars: on a terminal only, one for the file and one for all."""

import os
from pathlib import Path

import pytest
from clips import Clip, make_files
from processes import WAIT, environment, read_terminal, start_program

from cartoonize.cli.progress import ProgressBars


@pytest.mark.skipif(os.name == "nt", reason="there is no pty")
def test_two_bars_on_a_terminal(workdir):
    """A terminal shows a bar for all files and one for the current file; messages above them stay intact."""
    import pty

    Clip(times=range(60)).write(Path("clips/a.mp4"))
    Clip(times=range(60)).write(Path("clips/b.mp4"))
    make_files("clips/bad.mp4")
    ours, theirs = pty.openpty()
    variables = environment(TERM="xterm", COLUMNS="80")
    process = start_program("video", "clips", "out", "--style", "null", stderr=theirs, env=variables)
    os.close(theirs)
    text = read_terminal(ours).decode()
    os.close(ours)
    assert process.wait(WAIT) == 1
    for words in ("/60 frames", "3/3 files", "Failed:", "bad.mp4 is not a video of a known format"):
        assert words in text
    assert "out/a.mp4: 60 frames in" in text


def test_the_bar_of_all_files_moves_by_their_sizes(workdir):
    """The bar moves within a file by the file's share of the work; a failed file is taken out of the work."""
    with ProgressBars([100, 300, 100]) as bars:
        everything = bars._bars.tasks[0]
        with bars.file("a.mp4", 10) as done:
            done(5)
            assert everything.completed == 50
        bars.next_file(converted=True)
        assert (everything.completed, everything.total) == (100, 500)
        bars.next_file(converted=False)
        assert (everything.completed, everything.total) == (100, 200)
        assert everything.fields["count"] == "2/3 files"
