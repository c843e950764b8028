"""Files appear under their names when they are complete, and temporary names never collide."""

import contextlib
import errno
import os
import socket
from pathlib import Path

import pytest

from cartoonize.core.atomic import AtomicFile, check_target, temporary_path
from cartoonize.core.errors import MediaError, WriteError
from cartoonize.core.messages import missing_file_message


@pytest.mark.parametrize("name", ["x" * 60 + "-{}.png", "{}" + "y" * 240 + ".png", "a.{}" + "z" * 240])
def test_names_that_begin_alike_do_not_collide(tmp_path, name):
    """Each file is written to a separate temporary name, even if names have a long common beginning."""
    files = [AtomicFile(tmp_path / name.format(number), overwrite=False) for number in range(3)]
    for number, file in enumerate(files):
        file.write(str(number).encode())
    for file in files:
        file.commit()
    assert {file.target.read_text() for file in files} == {"0", "1", "2"}
    assert len(list(tmp_path.iterdir())) == 3


def test_temporary_names_are_random():
    """A temporary name is hidden and random, in the folder of the target, with its suffix."""
    target = Path("folder") / "holiday.png"
    names = {temporary_path(target) for _ in range(100)}
    assert len(names) == 100
    for path in names:
        assert (path.parent, path.suffix, path.name[0]) == (target.parent, ".png", ".")
        assert "holi" not in path.name


@pytest.fixture
def special(tmp_path):
    """Paths that name no regular files, by their kinds."""
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "link.mp4").symlink_to("fifo.mp4")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(tmp_path):  # paths of sockets are short
        listener.bind("socket.mp4")
    return {
        "fifo": tmp_path / "fifo.mp4",
        "link": tmp_path / "link.mp4",
        "socket": tmp_path / "socket.mp4",
        "device": Path("/dev/null"),
        "standard output": Path("/dev/stdout"),
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["fifo", "link", "socket", "device", "standard output"])
def test_what_is_no_file_is_never_replaced(special, kind):
    """A FIFO, a socket or a device is refused as a target, also through a link, and stays, even if files may
    be replaced."""
    before = special[kind].lstat()
    with pytest.raises(MediaError, match="is a device, a pipe or a socket, and stays as it is"):
        check_target(special[kind], overwrite=True)
    after = special[kind].lstat()
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fills_up_is_one_sentence(tmp_path, number):
    """If a write fails in the block, the error names the target, and no file is left.

    Other errors pass unchanged.
    """
    with (
        pytest.raises(WriteError, match=r"Cannot write .*a\.txt: "),
        AtomicFile(tmp_path / "a.txt", overwrite=False),
    ):
        raise OSError(number, os.strerror(number))
    with pytest.raises(FileNotFoundError), AtomicFile(tmp_path / "a.txt", overwrite=False):
        (tmp_path / "missing.txt").read_text()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_the_file_is_as_readable_as_others(tmp_path):
    """The file has the permissions that the user's umask gives to new files, not those of temporary ones."""
    before = os.umask(0o022)
    try:
        with AtomicFile(tmp_path / "a.txt", overwrite=False) as file:
            file.path.write_text("text")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def test_an_address_on_this_machine_is_answered_with_its_path(tmp_path):
    """Where only a path is accepted, file:///tmp/a.png is refused, and the message names its path."""
    address = Path(f"file://{tmp_path}/a.png")
    assert missing_file_message(address).endswith(f"write its path, {tmp_path}/a.png.")
    with pytest.raises(MediaError, match=f"write its path, {tmp_path}/a.png"):
        check_target(address, overwrite=False)
