"""The video stream of an output: added to its container, started, and tried out before the work begins."""

from contextlib import suppress
from functools import cache
from io import BytesIO
from typing import cast

import av
from av.container import OutputContainer

from ...core.containers import SUFFIX_LIST, Container, is_tested
from ...core.cpus import keep_scheduling
from ...core.errors import NO_SPACE, MediaError
from ..encoding import Encoding
from ..remote import Location
from ..video_info import VideoInfo
from .encoder import Encoder
from .output import choose_container

_TRIAL = 640, 360, 25  # width, height, frames a second: every encoder can do them, those of GPUs too
_COMMON_LIMIT = 4096  # pixels of a side, above which many encoders in hardware refuse frames


def check_video_output(target: Location, encoding: Encoding) -> None:
    """Refuse a container, an encoder or options that cannot be written. No file is touched.

    Raises:
        MediaError: as Encoder; or the encoder cannot be started in the container with these options.
    """
    _try_output(choose_container(target, encoding.format), encoding)


@cache
def _try_output(container: Container, encoding: Encoding) -> None:
    """Start the encoder in memory, unless all of it is a tested default."""
    video = VideoInfo.of_frames(*_TRIAL)
    encoder = Encoder(video, encoding, container, [])
    if is_tested(container) and (encoding.codec, encoding.crf, encoding.preset) == (None, None, None):
        return
    output = av.open(BytesIO(), "w", format=container.muxer)
    try:
        stream = add_video_stream(output, encoder)
        start_encoding(output, stream, f"{stream.codec_context.pix_fmt}{encoding.describe()}")
    except MediaError as error:
        if is_tested(container) or encoding.codec:
            raise
        raise MediaError(
            f"{container.muxer} files cannot hold {encoder.codec.name}, the default encoder. Write "
            f"{SUFFIX_LIST}, or name another --codec."
        ) from error
    finally:
        with suppress(av.error.FFmpegError):  # it would complete the file, which cannot be without frames
            output.close()


def add_video_stream(output: OutputContainer, encoder: Encoder) -> av.VideoStream:
    """Add a stream for an encoder to a container.

    Raises:
        MediaError: the container cannot hold what the encoder makes.
    """
    name = encoder.codec.name
    try:
        stream = cast("av.VideoStream", output.add_stream(name, rate=encoder.rate, options=encoder.options))
    except ValueError as error:
        raise MediaError(
            f"{output.format.name} cannot hold {name} video; try .mp4 or .mkv, or another --codec."
        ) from error
    stream.time_base = encoder.time_base
    encoder.configure(stream.codec_context)
    return stream


def start_encoding(output: OutputContainer, stream: av.VideoStream, settings: str) -> None:
    """Open the encoder, whose parameters the header needs, and write the header.

    `settings` describes the settings, for the message of an error.

    Raises:
        MediaError: the encoder cannot work with these settings, or the container cannot hold its packets.
        OSError: the disk is full.
    """
    name = stream.codec_context.name  # PyAV 19 crashes if it is asked after an encoder failed to open
    is_large = max(stream.width, stream.height) > _COMMON_LIMIT
    try:
        with keep_scheduling():
            output.start_encoding()
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:  # for the header
            raise
        smaller = ", smaller frames (--max-size)" if is_large else ""
        raise MediaError(
            f"{name} in {output.format.name} cannot do {settings}: "
            f"{getattr(error, 'strerror', None) or error}. Try .mp4 or .mkv{smaller}, or another --codec."
        ) from error
