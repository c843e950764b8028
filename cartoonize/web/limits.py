"""Limits of the files that the page accepts, checked by their headers before anything is decoded in full."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
from PIL.Image import Image as Picture

from ..core.containers import WRITTEN_SUFFIXES
from ..core.errors import MediaError
from ..core.messages import format_number
from ..media import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from ..media.ffmpeg import ffmpeg_errors
from ..media.pictures.animation import is_animated
from ..media.pictures.picture import PILLOW_ERRORS, open_picture
from ..media.reading.open_input import frame_rate, select_video_stream
from ..media.remote import open_container
from ..media.streams import frame_size

MEGABYTE = 1 << 20  # as browsers count
SUFFIXES = PICTURE_SUFFIXES | VIDEO_SUFFIXES | WRITTEN_SUFFIXES
"""By these, in lower case, the page knows the pictures and videos of a folder, before it sends them."""
FRAME_PIXELS = 4_147_200
"""Most pixels of a frame that counts as one: twice Full HD, so that a frame of 4K counts as two. The time for
decoding and encoding depends on the pixels; `detail` limits only those that are drawn."""

_PICTURES = {"AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "TIFF", "WEBP"}
"""By Pillow's names. It recognises files by content, not by suffix, and would run Ghostscript on EPS."""

_VIDEOS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "ogg", "asf", "gif", "apng", "h264",
    "hevc", "ivf", "mxf", "dv",
)  # fmt: skip
"""By FFmpeg's names. It recognises files by their content too, and playlists name further files and addresses
to read: those of this machine, in a visitor's playlist."""


Kind = Literal["picture", "animation", "video"]


def frames_of_size(count: float, width: int, height: int) -> float:
    """How many frames of this size count as `count`: fewer if they are large."""
    return count / max(1.0, width * height / FRAME_PIXELS)


class LimitError(MediaError):
    """A file costs more than the page accepts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one file: its bytes, the seconds and frames of a video, and the pixels of each picture.

    Seconds and frames can be `math.inf`. A frame of more than FRAME_PIXELS counts as several.
    """

    upload: int = 200 * MEGABYTE
    seconds: float = 120.0
    frames: float = 7200
    pixels: int = 50_000_000

    def check_size(self, size: int) -> None:
        """Refuse an upload of too many bytes.

        Raises:
            LimitError: there are more than `upload`.
        """
        if size > self.upload:
            raise LimitError(
                f"The file has {_megabytes(size)}; this page accepts up to {_megabytes(self.upload)}. "
                f"{_advise('a smaller file', '--max-upload')}"
            )

    def check(self, path: Path) -> Kind:
        """Return the kind of a file. Refuse files that are no picture or video, or cost too much.

        A video may hold more frames than its header says: see `check_frames`.

        Raises:
            LimitError: it costs too much; the message says how much is accepted.
            MediaError: it cannot be read.
        """
        self.check_size(path.stat().st_size)
        if path.suffix.lower() in PICTURE_SUFFIXES:
            return self._check_picture(path)
        self._check_video(path)
        return "video"

    def check_frames(self, frames: float, width: int, height: int) -> None:
        """Refuse a video of more frames than `frames`, or fewer if they are large.

        Raises:
            LimitError: there are more.
        """
        accepted = frames_of_size(self.frames, width, height)
        if frames > accepted:
            size = f" of {width} x {height} pixels" if accepted < self.frames else ""
            raise LimitError(
                f"The video has more than the {int(accepted):,} frames{size} that this page accepts. "
                f"{_advise('a part of it', '--max-frames')}"
            )

    def _check_picture(self, path: Path) -> Kind:
        try:
            with open_picture(path, max_pixels=1 << 62) as picture:
                return self._check_header(path, picture)
        except PILLOW_ERRORS as error:
            raise MediaError(f"{path.name} is not a readable picture, or it is damaged.") from error

    def _check_header(self, path: Path, picture: Picture) -> Kind:
        if picture.format not in _PICTURES:
            raise MediaError(f"{path.name} is a {picture.format} file under another name.")
        self._check_pixels(path, *picture.size)
        if picture.format == "GIF" and getattr(picture, "is_animated", False):  # slow to count its frames
            name = path.with_suffix(".gif").name
            raise MediaError(f"{path.name} is an animated GIF file under another name; call it {name}.")
        if not is_animated(path):  # the other pictures of a scan, or of a phone's JPEG, are not converted
            return "picture"
        self.check_frames(getattr(picture, "n_frames", 1), *picture.size)
        return "animation"

    def _check_video(self, path: Path) -> None:
        options = {"format_whitelist": ",".join(_VIDEOS), "max_pixels": str(self.pixels)}
        try:
            with ffmpeg_errors(path), open_container(path, options) as container:
                stream = select_video_stream(container, path, None)  # the one that the conversion reads
                seconds = (container.duration or 0) / av.time_base
                size = frame_size(stream)
                self._check_pixels(path, *size)
                self._check_seconds(path, seconds)
                self.check_frames(stream.frames or seconds * frame_rate(stream), *size)
        except MediaError as error:
            if isinstance(error.__cause__, av.error.FFmpegError):
                raise MediaError(
                    f"{path.name} is not a readable picture or video, or it is damaged."
                ) from error
            raise

    def _check_pixels(self, path: Path, width: int, height: int) -> None:
        if width * height > self.pixels:
            raise LimitError(
                f"{path.name} is {width} x {height} pixels large; this page accepts up to "
                f"{format_number(self.pixels / 1e6)} million pixels. "
                f"{_advise('a smaller one', '--max-pixels')}"
            )

    def _check_seconds(self, path: Path, seconds: float) -> None:
        if seconds > self.seconds:
            raise LimitError(
                f"{path.name} lasts {_clock(seconds)}; this page accepts up to {_clock(self.seconds)}. "
                f"{_advise('a part of it', '--max-seconds')}"
            )


def choose_limits(
    *, private: bool, megabytes: int | None, seconds: float | None, frames: int | None, pixels: int
) -> Limits:
    """Return the limits that the user set, and defaults for the others.

    By default, a page that only its own computer can open has no limit for the length of a video and a large
    one for its bytes; all other pages have the limits of `Limits`.
    """
    default = Limits(4000 * MEGABYTE, math.inf, math.inf) if private else Limits()
    return Limits(
        default.upload if megabytes is None else megabytes * MEGABYTE,
        default.seconds if seconds is None else seconds,
        default.frames if frames is None else frames,
        pixels,
    )


def _advise(instead: str, option: str) -> str:
    return f"Send {instead}, or start the server with a higher {option}."


def _megabytes(size: int) -> str:
    """Rounded up, as `megabytes` of words.js: the size that is refused never looks equal to the limit."""
    return f"{math.ceil(size / MEGABYTE * 10) / 10:,g} MB"


def _clock(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
