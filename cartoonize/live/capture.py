"""Translates `--source` into FFmpeg's terms: a camera, an address, a file, or pictures that FFmpeg makes."""

import sys
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from av.device import DeviceInfo, enumerate_input_devices

from ..core.errors import MediaError

_CAMERAS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
# FFmpeg probes the beginning of a stream, and pictures in it are shown late: so it probes little. The flag
# `nobuffer` would discard the keyframe that was probed. Without it, late pictures give way to newer ones.
_ADDRESS = {
    "probesize": "500000", "analyzeduration": "1000000", "fpsprobesize": "0", "overrun_nonfatal": "1"
}  # fmt: skip
_FILE_SCHEMES = ("http", "https", "ftp", "file")
"""Schemes of addresses of files, or playlists of short ones, which arrive as fast as the network can."""


@dataclass(frozen=True, slots=True)
class CaptureInput:
    """The source of live pictures.

    `name` is what the user calls it, `url` and `format` what FFmpeg does. A "camera" is polled for pictures,
    an "address" sends them, and a "file" has them at once, so that it is played in real time.
    """

    name: str
    kind: Literal["camera", "address", "file"]
    url: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)


def resolve_source(
    source: str, *, size: tuple[int, int] | None = None, fps: Fraction | None = None
) -> CaptureInput:
    """Find the input that a user names.

    Args:
        source: `camera`, `camera:1` or `camera:NAME`; an address, as udp://:5000; `lavfi:` and a graph of
            FFmpeg's filters; or a file.
        size: width and height to ask a camera for; by default its own.
        fps: frames per second to ask a camera for.

    Raises:
        MediaError: there is no such camera or file; or a size is given for another source.
    """
    scheme, _, remainder = source.partition(":")
    if scheme == "camera":
        return _resolve_camera(source, remainder, size, fps)
    if size:
        raise MediaError(f"--size asks a camera, and {source} is none; --max-size limits the result.")
    if scheme == "lavfi":
        return CaptureInput(source, "file", remainder, "lavfi")
    if "://" in source:
        if scheme in _FILE_SCHEMES:
            return CaptureInput(source, "file", source)
        return CaptureInput(source, "address", source, None, _ADDRESS)
    if not Path(source).is_file():
        raise MediaError(
            f"There is no file {source}; write camera, camera:1, an address such as udp://:5000, or a file."
        )
    return CaptureInput(source, "file", source)


def list_cameras() -> list[DeviceInfo]:
    """The cameras that FFmpeg finds on this machine."""
    devices: list[DeviceInfo] = []
    with suppress(KeyError, ValueError, av.error.FFmpegError):  # FFmpeg has no cameras on this system
        devices = enumerate_input_devices(_CAMERAS[sys.platform])
    return [device for device in devices if "audio" not in device.media_types]


def _resolve_camera(
    source: str, which: str, size: tuple[int, int] | None, fps: Fraction | None
) -> CaptureInput:
    devices = list_cameras()
    name = _select_camera(which, devices)
    if name is None:
        known = " and ".join(f'"camera:{device.description}"' for device in devices)
        raise MediaError(
            f"There is no {source}; FFmpeg finds {known or 'none'}. Connect one, or name another "
            "--source: a file, an address such as udp://:5000, or lavfi:testsrc2 for a test picture."
        )
    options = {"video_size": "{}x{}".format(*size)} if size else {}
    if fps or sys.platform == "darwin":  # whose default, 29.97, hardly any camera accepts
        options["framerate"] = str(fps or 30)
    url = {"darwin": f"{name}:none", "win32": f"video={name}"}.get(sys.platform, name)
    return CaptureInput(source, "camera", url, _CAMERAS[sys.platform], options)


def _select_camera(which: str, devices: list[DeviceInfo]) -> str | None:
    """FFmpeg's name of a camera. On Linux it need not be allowed to be opened: opening it says why not."""
    if sys.platform == "linux":
        path = Path(f"/dev/video{which or 0}" if which.isdecimal() or not (which or devices) else which)
        if path.is_char_device():
            return str(path)
    elif which.isdecimal():
        return devices[int(which)].name if int(which) < len(devices) else None
    return next((d.name for d in devices if which in ("", d.name, d.description)), None)
