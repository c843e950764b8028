"""Opens the source or the sink for a path."""

from pathlib import Path
from typing import Any

from ..core.addresses import unreadable_address_message
from ..core.containers import ANY_SOURCE, container_named
from ..core.errors import MediaError
from .alpha import parse_colour
from .decoding import Decoding
from .encoding import Encoding
from .pictures.animation import READ_BY_PILLOW, is_animated
from .pictures.formats import PICTURE_SUFFIXES
from .pictures.picture_sink import PictureSink
from .pictures.picture_source import PictureSource
from .pictures.sequence_sink import ImageSequenceSink, is_image_sequence
from .pictures.sequence_source import ImageSequenceSource
from .reading.standard_input import STANDARD_INPUT
from .reading.video_source import VideoSource
from .remote import Location, Url, parse_location
from .sink import Sink
from .source import Source
from .writing.encoder import choose_encoder
from .writing.video_sink import VideoSink
from .writing.video_stream import check_video_output


def open_source(
    path: Location | str,
    *,
    start: float | None = None,
    end: float | None = None,
    decoding: Decoding | None = None,
) -> Source:
    """Open a picture, a folder of pictures, or a video.

    Args:
        path: a picture by its suffix, otherwise a video; an animated picture is a video. A folder holds
            pictures; with `fps` in `decoding`, they are the frames of one video. `-` is standard input. A
            video may have a URL, such as s3://bucket/video.mp4.
        start: seconds; earlier frames of a video are left out.
        end: seconds; this and later frames of a video are left out.
        decoding: how to read a video. `max_pixels`, `max_size` and `detail` apply to pictures too.

    Raises:
        MediaError: the file is missing, damaged, too large, or of a kind that cannot be read.
    """
    path = parse_location(path)
    if not isinstance(path, Path):
        return open_video(path, start=start, end=end, decoding=decoding)
    is_sequence = path.is_dir() and decoding is not None and decoding.fps is not None
    is_picture = path.suffix.lower() in PICTURE_SUFFIXES and not is_animated(path)
    if is_picture or (path.is_dir() and not is_sequence):
        decoding = decoding or Decoding()
        limits = {"max_pixels": decoding.max_pixels, "max_size": decoding.max_size}
        return PictureSource([path], **limits, detail=decoding.detail)
    return open_video(path, start=start, end=end, decoding=decoding)


def open_video(
    path: Location | str,
    *,
    start: float | None = None,
    end: float | None = None,
    decoding: Decoding | None = None,
) -> VideoSource | ImageSequenceSource:
    """Open a video: as `open_source`, but a folder of pictures is always one, at 25 frames/s by default.

    Raises:
        MediaError: as `open_source`; or it is a single picture, or a rate is given to what has its own times.
    """
    path = parse_location(path)
    if not isinstance(path, Path):
        return _open_remote(path, start=start, end=end, decoding=decoding)
    if path.is_dir() and path != STANDARD_INPUT:
        return ImageSequenceSource(path, start=start, end=end, decoding=decoding)
    if decoding and decoding.fps:
        raise MediaError(f"{path} has times of its own; a rate (--fps) is for folders of pictures.")
    if path.suffix.lower() in PICTURE_SUFFIXES and path.exists() and not is_animated(path):
        raise MediaError(f"{path} is a picture; use `cartoonize image`.")
    kind = ImageSequenceSource if path.suffix.lower() in READ_BY_PILLOW else VideoSource
    return kind(path, start=start, end=end, decoding=decoding)


def _open_remote(path: Url, **options: Any) -> VideoSource:
    if path.suffix.lower() in PICTURE_SUFFIXES:
        raise MediaError(unreadable_address_message(path))
    return VideoSource(path, **options)


def check_encoding(encoding: Encoding) -> None:
    """Refuse an encoding that no video can be written with, while the names of the videos are not known.

    Raises:
        MediaError: the encoder or the format is unknown, or the encoder lacks a requested option.
    """
    parse_colour(encoding.background)
    if encoding.format:
        check_video_output(Path("The output"), encoding)  # as an error names it
    elif encoding.codec:
        choose_encoder(encoding, container_named(ANY_SOURCE))


def check_sink(path: Location, encoding: Encoding) -> None:
    """Refuse what `open_sink` cannot write for a video, by the name of the target and the encoding alone.

    It takes some milliseconds, so call it before a network is loaded or a cluster is connected.

    Raises:
        MediaError: the suffix names no format, or the encoding cannot be used in it.
    """
    parse_colour(encoding.background)
    if not _is_image_sequence(parse_location(path)):
        check_video_output(parse_location(path), encoding)


def _is_image_sequence(path: Location) -> bool:
    return isinstance(path, Path) and path != STANDARD_INPUT and is_image_sequence(path)


def open_sink(
    path: Location | str,
    source: Source,
    *,
    encoding: Encoding | None = None,
    overwrite: bool = False,
    size: tuple[int, int] | None = None,
    recording: bool = False,
) -> Sink:
    """Open the output for a source: a picture or a folder for pictures, a video for a video.

    The sink creates nothing before its `with` block begins. The output appears when the block ends.

    Args:
        path: the file to write, or a folder. For a video it may also be `-`, standard output, or a name such
            as frames/%05d.png, which writes its frames as pictures.
        source: the source of the frames, from which sound, metadata, colours and EXIF data are copied.
        encoding: how to compress a video.
        overwrite: replace an existing file; otherwise an existing file is an error.
        size: width and height of the frames to write, if they differ from those of the source.
        recording: keep what was written of a video if writing fails, as live frames do not come again.

    Raises:
        MediaError: the file exists or cannot be written, the encoder or format is unknown, or the source does
            not state the size that a video needs.
    """
    encoding, path = encoding or Encoding(), parse_location(path)
    if isinstance(source, PictureSource):
        return PictureSink(Path(str(path)), source, overwrite=overwrite)
    if isinstance(path, Path) and _is_image_sequence(path):
        return ImageSequenceSink(
            path, source, background=encoding.background, overwrite=overwrite, recording=recording
        )
    if source.video is None:
        raise MediaError(
            f"{path} cannot be written as a video: {type(source).__name__} does not state the size and the "
            "rate of its frames. Set its `video` to a VideoInfo, or write numbered pictures (name/%05d.png)."
        )
    return VideoSink(
        path, source.video, encoding=encoding, overwrite=overwrite, size=size, recording=recording
    )
