"""Folders appear under their names when they are complete."""

import errno
import os
from pathlib import Path

import pytest
from clips import names_in

from cartoonize.core.atomic_folder import FolderKind, atomic_folder
from cartoonize.core.errors import MediaError, SpaceError


def write(target, text, *, overwrite=False):
    with atomic_folder(target, FolderKind("folder of tests", "marker"), overwrite=overwrite) as draft:
        (draft / "marker").write_text(text)
        assert not overwrite or (target / "marker").read_text() != text  # not before the end
    return target


def test_only_a_folder_of_the_same_kind_is_replaced(tmp_path):
    """A complete folder replaces an earlier one of its kind, with `overwrite`; every other one stays."""
    target = write(tmp_path / "made", "first")
    with pytest.raises(MediaError, match="exists already"):
        write(target, "second")
    assert (write(target, "second", overwrite=True) / "marker").read_text() == "second"
    (tmp_path / "photos").mkdir()
    with pytest.raises(MediaError, match="is not a folder of tests, and stays as it is"):
        write(tmp_path / "photos", "third", overwrite=True)
    assert names_in(tmp_path) == ["made", "photos"]


def test_a_full_disk_keeps_the_earlier_folder(tmp_path, monkeypatch):
    """If the disk fills up, the error names the folder, and the earlier one stays."""
    target = write(tmp_path / "made", "first")

    def fill(path, _text):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(SpaceError, match=r"Cannot write .*made: "):
        write(target, "second", overwrite=True)
    assert (target / "marker").read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_renamed_keeps_the_earlier_one(tmp_path, monkeypatch):
    """If the system refuses the new name, the earlier folder gets it back."""
    target = write(tmp_path / "made", "first")
    replace = Path.replace

    def refuse(path, new):
        if path.name == "draft":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return replace(path, new)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(MediaError, match=r"Cannot write .*made: Permission denied"):
        write(target, "second", overwrite=True)
    assert (target / "marker").read_text() == "first"
