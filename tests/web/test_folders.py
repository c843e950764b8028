"""Folders of visitors, whose paths are secret."""

from pathlib import Path

import pytest

from cartoonize.core.errors import CartoonizeError, InsufficientMemoryError, SpaceError
from cartoonize.web.folders import hide_folder


@pytest.mark.parametrize("error", [SpaceError("Cannot write /a/b/in.mp4: full."), InsufficientMemoryError()])
def test_errors_name_files_without_their_folder(error):
    """Every error stays of its kind, and names the file but not where it is."""
    with pytest.raises(CartoonizeError) as raised, hide_folder(Path("/a/b")):
        raise error
    assert raised.value is error
    assert "/a/b" not in str(error)
    assert str(error) in ("Cannot write in.mp4: full.", str(InsufficientMemoryError()))
