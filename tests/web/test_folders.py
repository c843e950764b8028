"""Folders of visitors: how much they hold and for how long, and that their paths are secret."""

import os
import shutil
import time
from collections import namedtuple
from contextlib import nullcontext
from pathlib import Path

import pytest

from cartoonize.core.errors import CartoonizeError, InsufficientMemoryError, SpaceError
from cartoonize.web.folders import KEPT, Folders, hide_folder


@pytest.mark.parametrize("error", [SpaceError("Cannot write /a/b/in.mp4: full."), InsufficientMemoryError()])
def test_errors_name_files_without_their_folder(error):
    """Every error stays of its kind, and names the file but not where it is."""
    with pytest.raises(CartoonizeError) as raised, hide_folder(Path("/a/b")):
        raise error
    assert raised.value is error
    assert "/a/b" not in str(error)
    assert str(error) in ("Cannot write in.mp4: full.", str(InsufficientMemoryError()))


def test_files_stay_for_an_hour(tmp_path):
    """Files that were last written more than an hour ago are removed, unless they are in use."""
    folders = Folders(tmp_path)
    old, at_work, new, needed = (folders.new(name) for name in ("a", "a", "b", "c"))
    for folder in (old, at_work, new, needed):
        (folder / "file").write_text("x")
        os.utime(folder, (0, 0))
    for folder in (old, needed):
        os.utime(folder / "file", (time.time() - KEPT - 60, time.time() - KEPT - 60))
    folders.sweep(in_use={needed})
    assert not old.exists()
    assert (at_work / "file").exists()
    assert (new / "file").exists()
    assert (needed / "file").exists()
    folders.sweep(time.time() + KEPT + 60)
    assert not list(tmp_path.iterdir())


def test_the_folder_outlives_a_cleaner_of_temporary_files(tmp_path):
    """Systems that remove old temporary files leave the folder of an idle server; removed, it returns."""
    folders = Folders(tmp_path / "root")
    for name in (".", "lock"):
        (tmp_path / "root").mkdir(exist_ok=True)
        (tmp_path / "root" / "lock").touch()
        os.utime(tmp_path / "root" / name, (0, 0))
    folders.sweep()
    assert all(path.stat().st_mtime > time.time() - 60 for path in (folders.root, folders.root / "lock"))
    shutil.rmtree(folders.root)
    folders.sweep()
    with folders.reserve("a", 10, share=100_000, neighbours={"a"}):
        assert folders.new("a").is_dir()


def test_uploads_in_progress_count(tmp_path, monkeypatch):
    """Space for an upload is reserved from its beginning, so that many at once cannot fill the disk."""
    usage = namedtuple("usage", "free")  # as the system's
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(1000))
    files = Folders(tmp_path)
    with files.reserve("a", 100, share=1000, neighbours={"a"}):
        with files.reserve("b", 150, share=1000, neighbours={"b"}):
            pass
        with (
            pytest.raises(SpaceError, match="no space for more files"),
            files.reserve("b", 151, share=1000, neighbours={"b"}),
        ):
            pass
    with files.reserve("b", 250, share=1000, neighbours={"b"}):
        pass


def test_a_visitor_has_a_share_of_the_disk(tmp_path):
    """Uploads and results of a visitor, and of the others at the address, are limited together."""
    files = Folders(tmp_path)
    (files.new("a") / "upload").write_bytes(bytes(600))
    (files.new("b") / "result").write_bytes(bytes(10_000))
    share = 600 + 4096 * 4 + 10_000  # folders have a size too
    for neighbours, size, fits in (({"a"}, 300, True), ({"a"}, share, False), ({"a", "b"}, share, False)):
        refused = pytest.raises(SpaceError, match="removed an hour after")
        with nullcontext() if fits else refused, files.reserve("a", size, share=share, neighbours=neighbours):
            pass
