"""`cartoonize clean` removes what stopped runs left behind, and nothing else."""

import io
import os
import tempfile
import time

import pytest
from av.packet import Packet

from cartoonize.core.atomic import temporary_path
from cartoonize.media.segment import Segment
from cartoonize.media.writing.journal import Journal
from cartoonize.media.writing.segments import SegmentWriter
from cartoonize.tools.clean import IDLE, find_leftovers, remove_leftover

MARK = {"pts": 0, "crc": 0, "packets": 0, "frames": 0}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, home):
    """Folders of this test for the cache and temporary files."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def films(tmp_path):
    folder = tmp_path / "films" / "2026"
    folder.mkdir(parents=True)
    return folder


def start_journal(target):
    """A journal with a finished segment of a frame of 1,000 bytes, which this process holds."""
    journal = Journal(target, target)
    journal.acquire()
    journal.store.open({"style": "ink"}, resume=True)
    file, segment = io.BytesIO(), Segment(0, 1, None, MARK, 0, 0)
    writer = SegmentWriter(file)
    writer.add(Packet(bytes(1000)))
    writer.end(segment)
    journal.store.put_segment(segment, file.getvalue())
    return journal


def age(path, seconds=2 * IDLE):
    for entry in (*path.rglob("*"), path):
        os.utime(entry, (time.time() - seconds,) * 2)


def paths(films):
    return [leftover.path for leftover in find_leftovers([films.parent])]


def test_a_run_at_work_is_not_touched(films):
    """A journal is left behind only if no process holds its lock; then its size and age are stated."""
    journal = start_journal(films / "a.mp4")
    assert paths(films) == []
    journal.close(done=False)
    (leftover,) = find_leftovers([films.parent])
    assert leftover.path == films / ".a.mp4.cartoonize"
    assert 1000 < leftover.size < 2000
    assert time.time() - leftover.changed < 60
    journal.acquire()
    assert remove_leftover(leftover) is False
    journal.close(done=False)
    assert remove_leftover(leftover) is True
    assert list(films.iterdir()) == []


def test_drafts_and_temporary_folders_have_to_be_old(films, tmp_path):
    """Drafts and temporary folders, which have no lock, are left behind a day after their last change."""
    draft = temporary_path(films / "a.png")
    draft.write_bytes(b"half a picture")
    temporary = tmp_path / "tmp" / "cartoonize-abc12_x9"
    temporary.mkdir()
    (temporary / "sdr.cube").touch()
    assert paths(films) == []
    age(draft)
    age(temporary)
    assert set(paths(films)) == {draft, temporary}
    for leftover in find_leftovers([films]):
        assert remove_leftover(leftover)
    assert not draft.exists()
    assert not temporary.exists()


def test_what_this_program_did_not_write_stays(films, tmp_path):
    """A folder with other files in it, a link, and files of similar names are left alone, however old."""
    journal = films / ".b.mp4.cartoonize"
    journal.mkdir()
    (journal / "key.json").touch()
    (journal / "letter.txt").touch()
    (films / ".c.mp4.cartoonize").symlink_to(journal)
    (films / ".notes.partial").touch()
    (tmp_path / "tmp" / "cartoonize-holidays").mkdir()
    (tmp_path / "tmp" / "cartoonize-holidays" / "photo.jpg").touch()
    (tmp_path / "tmp" / "cartoonize-web-abc12_x9").mkdir()
    age(tmp_path)
    assert paths(films) == []


def test_the_command_asks_first(films, run):
    """Without a terminal, `clean` only lists; with --yes it removes, and says how much."""
    start_journal(films / "a.mp4").close(done=False)
    code, out, err = run("clean", films.parent)
    assert code == 0
    assert ".a.mp4.cartoonize" in "".join(out.split())
    assert "add --yes" in err
    assert (films / ".a.mp4.cartoonize").exists()
    code, _, err = run("clean", films.parent, "--yes")
    assert code == 0
    assert "Removed 1." in err
    assert not (films / ".a.mp4.cartoonize").exists()
    assert "nothing to remove" in run("clean", films.parent)[2]
    assert run("clean", films / "missing")[0] == 1
