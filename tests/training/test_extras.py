"""Missing libraries are named, with what to install."""

import sys

import pytest

from cartoonize.errors import BackendError, TrainingError
from cartoonize.opencv import load_opencv
from cartoonize.training.extras import train_extra


def test_missing_library_of_the_extra(monkeypatch):
    """Without scenedetect the sentence names it and the extra that installs it."""
    monkeypatch.setitem(sys.modules, "scenedetect", None)
    with pytest.raises(TrainingError, match=r"scenedetect is missing.*cartoonize\[train\]"), train_extra():
        import scenedetect  # noqa: F401


def test_opencv_that_cannot_be_imported(monkeypatch):
    """On a server without graphics libraries the sentence names both ways out."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BackendError, match=r"opencv-python-headless.*libgl1"):
        load_opencv()
