"""OpenCV may be missing, and then what mends it is named."""

import sys

import pytest

from cartoonize.core.errors import BackendError
from cartoonize.core.opencv import load_opencv


def test_opencv_that_cannot_be_imported(monkeypatch):
    """On a server without graphics libraries the sentence names both ways out."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BackendError, match=r"opencv-python-headless.*libgl1"):
        load_opencv()
