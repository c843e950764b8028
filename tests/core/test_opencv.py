"""OpenCV may be missing, and then what mends it is named."""

import sys

import pytest
from processes import environment, run_python

from cartoonize.core.errors import BackendError
from cartoonize.core.opencv import load_opencv


def test_opencv_that_cannot_be_imported(monkeypatch):
    """On a server without graphics libraries the sentence names both ways out."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BackendError, match=r"opencv-python-headless.*libgl1"):
        load_opencv()


THREADS = "OPENCV_FOR_THREADS_NUM"


def threads_of(program, **variables):
    """OpenCV's number of threads in a process that has run a line before it imported OpenCV."""
    code = f"from cartoonize.core import opencv; {program}; print(opencv.load_opencv().getNumThreads())"
    return int(run_python(code, env=environment(THREADS, **variables)).stdout)


def test_only_programs_limit_opencv():
    """The command line has OpenCV work on one thread, unless its user says otherwise; the library leaves the
    number to its caller."""
    assert threads_of("opencv.set_one_thread()") == 1
    assert threads_of("opencv.set_one_thread()", **{THREADS: "3"}) == 3
    assert threads_of("import cv2; cv2.setNumThreads(5)") == 5
