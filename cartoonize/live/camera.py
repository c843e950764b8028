"""A virtual camera, which other programs use as a webcam: pyvirtualcam, the extra `camera`."""

import sys
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np

from ..core.errors import MediaError
from ..core.frames import Frame
from ..media.sink import Sink

_DEVICES = {
    "linux": "load v4l2loopback (Debian and Ubuntu: `sudo apt install v4l2loopback-dkms`, then "
    "`sudo modprobe v4l2loopback exclusive_caps=1`)",
    "darwin": "install OBS Studio, start its virtual camera once, and stop it again",
    "win32": "install OBS Studio, which includes a virtual camera",
}


class CameraSink(Sink):
    """Sends frames to a virtual camera. Sizes are reduced to even numbers, which its formats need.

    Args:
        width: of the frames, in pixels.
        height: of the frames.
        rate: frames per second that the camera states; frames are sent as they come.
        device: the name of a virtual camera, such as /dev/video2; by default the first one.

    Raises:
        MediaError: pyvirtualcam is not installed, or there is no virtual camera.
    """

    def __init__(self, width: int, height: int, rate: Fraction, device: str | None = None) -> None:
        self._width, self._height = width // 2 * 2, height // 2 * 2
        self._rate, self._device = float(rate), device
        self._camera: Any = None

    def open(self) -> None:
        """Open the camera; other programs see it from now on."""
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MediaError(
                'A virtual camera needs pyvirtualcam: pip install "cartoonize[camera]". Without it, write '
                "--sink udp://127.0.0.1:5000 and open this address in OBS as a media source."
            ) from error
        try:
            self._camera = pyvirtualcam.Camera(self._width, self._height, self._rate, device=self._device)
        except RuntimeError as error:  # of its own: no device, or one that another program writes to
            camera = f"the virtual camera {self._device}" if self._device else "a virtual camera"
            advice = _DEVICES.get(sys.platform, "install one")
            reason = str(error).replace("\n", "; ")
            raise MediaError(f"Cannot open {camera} ({reason}). If there is none, {advice}.") from error

    def write(self, frame: Frame) -> None:
        """Send a frame."""
        self._camera.send(np.ascontiguousarray(frame.image[: self._height, : self._width]))

    def commit(self) -> None:
        """Close the camera."""
        with suppress(RuntimeError):  # it was unplugged
            self._camera.close()

    def abort(self, error: BaseException) -> None:  # noqa: ARG002
        """Close the camera."""
        self.commit()
