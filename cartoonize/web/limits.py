"""What is taken to be drawn: told from headers, before anything is decoded in full."""

from dataclasses import dataclass
from pathlib import Path

import av
from PIL.Image import Image as Picture

from ..core.errors import MediaError
from ..media import PICTURE_SUFFIXES
from ..media.ffmpeg import ffmpeg_errors
from ..media.pictures.picture import PILLOW_ERRORS, open_picture
from ..media.remote import open_container
from ..media.streams import is_known, size

MEGABYTE = 1 << 20  # as browsers count

_PICTURES = {"AVIF", "BMP", "GIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP"}
"""By Pillow's names. It tells files by their content, not by their suffix, and has Ghostscript run EPS."""

_VIDEOS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "ogg", "asf", "gif", "apng", "h264",
    "hevc", "ivf", "mxf",
)  # fmt: skip
"""By FFmpeg's names. It tells files by their content, too, and playlists name files and addresses to read: a
visitor's would name those of this machine."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one drawing may cost: bytes of the file, seconds and frames of a video, pixels of each picture."""

    upload: int = 200 * MEGABYTE
    seconds: float = 120.0
    frames: int = 7200
    pixels: int = 50_000_000

    def check_size(self, size: int) -> None:
        """Refuse an upload of too many bytes.

        Raises:
            MediaError: there are more than `upload`.
        """
        if size > self.upload:
            raise MediaError(
                f"The file has {_megabytes(size)}; here up to {_megabytes(self.upload)} are taken."
            )

    def check(self, path: Path) -> None:
        """Refuse what is no picture or video, or one that would cost too much.

        A video may hold more than its header says: see `check_frames`.

        Raises:
            MediaError: says which, and how much would be taken.
        """
        self.check_size(path.stat().st_size)
        if path.suffix.lower() in PICTURE_SUFFIXES:
            self._check_picture(path)
        else:
            self._check_video(path)

    def check_frames(self, frames: float) -> None:
        """Refuse more than `frames`.

        Raises:
            MediaError: there are more.
        """
        if frames > self.frames:
            raise MediaError(f"The video has more than the {self.frames:,} frames that are taken here.")

    def _check_picture(self, path: Path) -> None:
        try:
            with open_picture(path, max_pixels=1 << 62) as picture:
                self._check_header(path, picture)
        except PILLOW_ERRORS as error:
            raise MediaError(f"{path.name} is no picture that can be read, or it is damaged.") from error

    def _check_header(self, path: Path, picture: Picture) -> None:
        if picture.format not in _PICTURES:
            raise MediaError(f"{path.name} is a {picture.format} file under another name.")
        self._check_pixels(path, *picture.size)
        self.check_frames(getattr(picture, "n_frames", 1))

    def _check_video(self, path: Path) -> None:
        options = {"format_whitelist": ",".join(_VIDEOS), "max_pixels": str(self.pixels)}
        try:
            with ffmpeg_errors(path), open_container(path, options) as container:
                stream = next(filter(is_known, container.streams.video), None)
                if stream is None:
                    raise MediaError(f"There is no moving picture in {path.name} that can be decoded.")
                seconds = (container.duration or 0) / av.time_base
                self._check_pixels(path, *size(stream))
                self._check_seconds(path, seconds)
                self.check_frames(stream.frames or seconds * (stream.average_rate or 0))
        except MediaError as error:
            if isinstance(error.__cause__, av.error.FFmpegError):
                raise MediaError(f"{path.name} is no video that can be read, or it is damaged.") from error
            raise

    def _check_pixels(self, path: Path, width: int, height: int) -> None:
        if width * height > self.pixels:
            raise MediaError(
                f"{path.name} is {width} x {height} pixels large; here up to {self.pixels / 1e6:.3g} million "
                "pixels are taken."
            )

    def _check_seconds(self, path: Path, seconds: float) -> None:
        if seconds > self.seconds:
            raise MediaError(
                f"{path.name} lasts {_clock(seconds)}; here up to {_clock(self.seconds)} are taken."
            )


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.3g} MB"


def _clock(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
