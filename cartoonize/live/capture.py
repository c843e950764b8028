"""What `--source` means, in FFmpeg's words: a camera, an address, a file, or a picture that FFmpeg makes."""

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
# What is read to find out what a stream holds is shown late. `nobuffer` is not asked for: it would throw away
# the keyframe that was found meanwhile, while the pictures behind it are dropped anyway as newer ones come.
_ADDRESS = {
    "probesize": "500000", "analyzeduration": "1000000", "fpsprobesize": "0", "overrun_nonfatal": "1"
}  # fmt: skip
_FILES = ("http", "https", "ftp", "file")
"""Addresses at which files are, and playlists of short ones: they come as fast as the network has them."""


@dataclass(frozen=True, slots=True)
class CaptureInput:
    """Where live pictures come from.

    `name` is what a user calls it, `url` and `format` what FFmpeg does. A "camera" has to be asked whether it
    has a picture, an "address" sends them, a "file" has more of them at once, and is played in real time.
    """

    name: str
    kind: Literal["camera", "address", "file"]
    url: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)


def resolve_source(
    source: str, *, size: tuple[int, int] | None = None, fps: Fraction | None = None
) -> CaptureInput:
    """Find what is meant.

    Args:
        source: `camera`, `camera:1` or `camera:NAME`; an address, as udp://:5000; `lavfi:` and a graph of
            FFmpeg's filters; or a file.
        size: width and height to ask a camera for; by default its own.
        fps: frames a second to ask a camera for.

    Raises:
        MediaError: there is no such camera or file.
    """
    scheme, _, rest = source.partition(":")
    if scheme == "camera":
        return _camera(source, rest, size, fps)
    if scheme == "lavfi":
        return CaptureInput(source, "file", rest, "lavfi")
    if "://" in source:
        return (
            CaptureInput(source, "file", source)
            if scheme in _FILES
            else CaptureInput(source, "address", source, None, _ADDRESS)
        )
    if not Path(source).is_file():
        raise MediaError(
            f"There is no file {source}; write camera, camera:1, an address such as udp://:5000, or a file."
        )
    return CaptureInput(source, "file", source)


def list_cameras() -> list[DeviceInfo]:
    """The cameras that FFmpeg finds here."""
    found: list[DeviceInfo] = []
    with suppress(KeyError, ValueError, av.error.FFmpegError):  # none of this system's kind
        found = enumerate_input_devices(_CAMERAS[sys.platform])
    return [device for device in found if "audio" not in device.media_types]


def _camera(source: str, which: str, size: tuple[int, int] | None, fps: Fraction | None) -> CaptureInput:
    found = list_cameras()
    device = _chosen(which, found)
    if device is None:
        known = " and ".join(f'"camera:{device.description}"' for device in found)
        raise MediaError(f"There is no {source}; FFmpeg finds {known or 'no camera at all'}.")
    options = {"video_size": "{}x{}".format(*size)} if size else {}
    if fps or sys.platform == "darwin":  # whose default, 29.97, hardly any camera takes
        options["framerate"] = str(fps or 30)
    url = {"darwin": f"{device}:none", "win32": f"video={device}"}.get(sys.platform, device)
    return CaptureInput(source, "camera", url, _CAMERAS[sys.platform], options)


def _chosen(which: str, found: list[DeviceInfo]) -> str | None:
    """FFmpeg's name of a camera; on Linux one that is there but may not be opened counts, to be told why."""
    if sys.platform == "linux":
        path = Path(f"/dev/video{which or 0}" if which.isdecimal() or not (which or found) else which)
        if path.is_char_device():
            return str(path)
    elif which.isdecimal():
        return found[int(which)].name if int(which) < len(found) else None
    return next((d.name for d in found if which in ("", d.name, d.description)), None)
