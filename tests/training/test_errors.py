"""Missing libraries are named, with what to install."""

import sys

import pytest

from cartoonize.core.errors import TrainingError
from cartoonize.training.errors import missing_extra


def test_missing_library_of_the_extra(monkeypatch):
    """Without scenedetect the sentence names it and the extra that installs it."""
    monkeypatch.setitem(sys.modules, "scenedetect", None)
    with pytest.raises(TrainingError, match=r"scenedetect is missing.*cartoonize\[train\]"), missing_extra():
        import scenedetect  # noqa: F401
