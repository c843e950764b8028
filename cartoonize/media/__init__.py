"""Sources and sinks: where frames come from and go to.

A Source is a closable iterable of frames; a Sink has `write(frame)`. What `notices` holds at the end is
what a user has to be told: something was left out, mended or chosen.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ..frames import Frame
from .encoding import Encoding
from .images import PICTURE_SUFFIXES, PictureSink, PictureSource
from .video import VideoSink, VideoSource


class Source(Protocol):
    """Frames, once. Closing it in the middle is always allowed. `frames` is their number as far as known."""

    notices: list[str]
    frames: int | None

    def __iter__(self) -> Iterator[Frame]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def close(self) -> None: ...


class Sink(Protocol):
    """Takes frames in order. Leaving its `with` block normally completes the output under its name;
    leaving it by an exception leaves nothing, and what was there before untouched."""

    notices: list[str]

    def write(self, frame: Frame) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_source(
    path: Path, *, start: float | None = None, end: float | None = None, max_pixels: int | None = None
) -> Source:
    """Open a picture, a folder of pictures, or a video, by what the path is.

    Args:
        path: pictures are told from videos by their suffix.
        start: seconds of a video to leave out at the beginning.
        end: the second of a video at which to stop.
        max_pixels: larger pictures and frames are refused; None for 256 million, and 67 million in a video.

    Raises:
        MediaError: there is no such file, or it is damaged, too large, or of a kind that cannot be read.
    """
    if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureSource([path], max_pixels=max_pixels)
    return VideoSource(path, start=start, end=end, max_pixels=max_pixels)


def open_sink(
    path: Path, source: Source, *, encoding: Encoding | None = None, overwrite: bool = False
) -> Sink:
    """Open the counterpart of a source: a picture or folder for pictures, a video for a video.

    Args:
        path: where the output appears once it is complete.
        source: gives what is carried over: sound, metadata, colours, orientation, EXIF.
        encoding: how to compress a video.
        overwrite: replace what is there; refused otherwise.

    Raises:
        MediaError: the path is taken or cannot be written, or the encoder or format is unknown.
    """
    if isinstance(source, PictureSource):
        return PictureSink(path, source, overwrite=overwrite)
    if isinstance(source, VideoSource):
        return VideoSink(path, source, encoding=encoding or Encoding(), overwrite=overwrite)
    raise TypeError(f"{type(source).__name__} has no sink of its own; open one of cartoonize.media")


__all__ = [
    "PICTURE_SUFFIXES", "Encoding", "PictureSink", "PictureSource", "Sink", "Source", "VideoSink",
    "VideoSource", "open_sink", "open_source",
]  # fmt: skip
