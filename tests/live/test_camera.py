"""The virtual camera: frames reach it unchanged; without a camera, the error says what to install."""

import sys
from fractions import Fraction

import numpy as np
import pytest
from noise import noise

from cartoonize import Frame
from cartoonize.live.camera import CameraSink

BARS = "lavfi:testsrc2=size=65x49:rate=30:duration=0.2"


class MemoryCamera:
    """A device for pyvirtualcam that keeps what it gets, as v4l2loopback passes it on."""

    def __init__(self, *, width, height, fps, fourcc, device):  # noqa: ARG002
        if device not in (None, "memory"):
            raise RuntimeError(f"there is no {device}")
        self.size, self.fps, self.frames, self.closed = (width, height), fps, [], False
        type(self).latest = self

    def send(self, frame):
        self.frames.append(frame.copy())

    def close(self):
        self.closed = True

    def device(self):
        return "memory"

    def native_fourcc(self):
        return None


@pytest.fixture
def camera(monkeypatch):
    """Pyvirtualcam with a device in memory in place of those of the system."""
    module = pytest.importorskip("pyvirtualcam", reason="needs the extra `camera`")
    monkeypatch.setattr(module.camera, "BACKENDS", {"memory": MemoryCamera})
    return MemoryCamera


def test_frames_reach_the_camera(camera):
    """Each frame arrives with its pixels, at an even size, and the camera is closed at the end."""
    frame = Frame(noise(49, 65), 0)
    with CameraSink(65, 49, Fraction(30)) as sink:
        sink.write(frame)
    assert (camera.latest.size, camera.latest.fps, camera.latest.closed) == ((64, 48), 30, True)
    assert np.array_equal(camera.latest.frames[0].reshape(48, 64, 3), frame.image[:48, :64])


def test_the_command_sends_to_the_camera(camera, run):
    """`cartoonize live --sink camera:NAME` sends every frame that it draws."""
    code, _, err = run("live", "--style", "null", "--source", BARS, "--sink", "camera:memory")
    assert (code, "6 frames" in err) == (0, True)
    assert len(camera.latest.frames) == 6


def test_a_missing_camera_is_a_sentence(camera, run):
    """Without a virtual camera the error says which program offers one."""
    code, _, err = run("live", "--style", "null", "--source", BARS, "--sink", "camera:/dev/video77")
    assert code == 1
    assert "Cannot open the virtual camera /dev/video77" in err
    assert ("v4l2loopback" if sys.platform == "linux" else "OBS") in err


def test_a_missing_library_is_a_sentence(run, monkeypatch):
    """Without pyvirtualcam the error says what to install, and what works without it."""
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    code, _, err = run("live", "--style", "null", "--source", BARS, "--sink", "camera")
    assert code == 1
    assert 'pip install "cartoonize[camera]"' in err
    assert "--sink udp://" in err
