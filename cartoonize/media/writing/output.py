"""Opens and closes the output of a video: a file whose suffix selects the container, or standard output."""

from pathlib import Path, PurePath

import av
from av.container import OutputContainer

from ...core.containers import (
    ANY_SOURCE,
    FORMAT_NAMES,
    STREAMED,
    SUFFIX_LIST,
    WRITTEN_SUFFIXES,
    Container,
    container_named,
    container_of_suffix,
    is_tested,
)
from ...core.errors import MediaError
from ...core.messages import did_you_mean
from ..damage import is_system_error
from ..pictures.formats import PICTURE_SUFFIXES
from ..remote import Location
from ..streams import codec_name
from .journal import StandardOutput

_CHECKSUMS = {"crc", "framecrc", "framehash", "framemd5", "hash", "md5", "mkvtimestamp_v2", "streamhash"}
"""Formats of FFmpeg for tests: checksums and times of packets, without the packets."""
_NO_VIDEO = {"none", "png"}
"""FFmpeg's default codecs for pictures in containers for sound or text; png is a cover."""
_FRAGMENT = "1000000"
"""Microseconds of a recording in MP4 or MOV that wait for their index. If the disk is full, they are lost,
and in every format the frames inside the encoder, up to four seconds."""


def choose_container(target: Location, format_name: str | None) -> Container:
    """The container to write. No file is touched.

    Args:
        target: where to; its suffix decides if no format is named.
        format_name: as in `Encoding`.

    Raises:
        MediaError: there is no such format, or it does not put a video into a single file.
    """
    muxer = _known_muxer(target, format_name)
    try:
        name = f"any{target.suffix}"  # FFmpeg takes `12:30.mp4` for an address
        with av.open(name, "w", format=muxer) as container:  # creates no file before encoding starts
            muxer, is_single_file = container.format.name, not container.format.no_file
            picture_codec = container.default_video_codec
    except ValueError as error:
        raise MediaError(_unknown_format_message(target, format_name)) from error
    # Muxers of playlists and of numbered pictures name files themselves.
    if not is_single_file or muxer in _CHECKSUMS:
        raise MediaError(_unknown_format_message(target, format_name))
    chosen = container_named(muxer)
    if picture_codec in _NO_VIDEO and not is_tested(chosen):
        raise MediaError(f"{target} cannot be written: {muxer} files hold no video. Write {SUFFIX_LIST}.")
    return chosen


def open_output(path: Path, muxer: str, plays: int, *, recording: bool) -> OutputContainer:
    """Open a file for writing; it is created when encoding starts.

    Args:
        path: where to.
        muxer: FFmpeg's name of the container.
        plays: how often an animation is shown; 0 is forever.
        recording: whether the file has to be readable if writing fails.
    """
    loops = plays - 1 if muxer == "gif" and plays else plays  # GIF counts repetitions; -1 means none
    options = {"loop": str(loops), "plays": str(plays)}  # a muxer ignores others' options
    is_pipe = path == StandardOutput.path
    if is_pipe:
        # Nothing can be put at the front later, so each fragment has an index. After a trailer, FFmpeg would
        # not report that the last fragment could not be written.
        options["movflags"] = "+frag_keyframe+empty_moov+default_base_moof+skip_trailer"
    elif recording:
        # Each fragment has an index, until one of all is written behind them.
        options |= {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": _FRAGMENT}
    else:
        # The index at the front lets web players start before they have read the whole file.
        options["movflags"] = "+faststart"
    file = str(path if is_pipe else path.absolute())  # FFmpeg takes `12:30.mp4` for an address
    return av.open(file, "w", format=muxer, container_options=options)


def close_output(container: OutputContainer) -> None:
    """Write the trailer, and close the file.

    Raises:
        MediaError: the container cannot hold the streams together. Some muxers describe them only here.
        OSError: the disk is full, or the system refuses to write.
    """
    try:
        container.close()
    except av.error.FFmpegError as error:
        if is_system_error(error):
            raise
        streams = ", ".join(f"{stream.index} ({codec_name(stream)})" for stream in container.streams)
        raise MediaError(
            f"{container.format.name} files cannot hold the streams {streams} together: "
            f"{error.strerror or error}. Try .mkv, or leave the sound out (--no-audio)."
        ) from error


def output_video_name(source: str, format_name: str | None = None) -> str:
    """The name of the output for a video in another folder: its own, with a suffix that can be written.

    Args:
        source: the file name of the video.
        format_name: as in `Encoding`.
    """
    stem, suffix = PurePath(source).stem, PurePath(source).suffix
    if format_name:
        suffixes = container_named(format_name).suffixes or (f".{format_name}",)
        return stem + suffixes[0]
    return source if suffix.lower() in WRITTEN_SUFFIXES else stem + container_named(ANY_SOURCE).suffixes[0]


def _known_muxer(target: Location, format_name: str | None) -> str | None:
    """The muxer by our table; None leaves the choice to FFmpeg."""
    if format_name:
        return container_named(format_name).muxer
    if target == StandardOutput.target:
        return STREAMED
    container = container_of_suffix(target.suffix)
    return container.muxer if container else None


def _unknown_format_message(target: Location, format_name: str | None) -> str:
    if format_name:
        return (
            f"{format_name!r} is not a video format that can be written; try mp4, matroska, mpegts or y4m."
            f"{did_you_mean(format_name, FORMAT_NAMES)}"
        )
    if not target.suffix:
        return (
            f"{target} has no suffix, which sets the format: name {target}.mp4 or {target}.mkv, or a folder "
            f"with a slash, {target}/."
        )
    if target.suffix.lower() in PICTURE_SUFFIXES:
        stem = target.name.removesuffix(target.suffix)
        return (
            f"{target} is named like a picture. Write a video, as {stem}.mp4, its frames, as "
            f"{stem}/%05d.png, or some moments on one picture: --preview 4."
        )
    return (
        f"The suffix {target.suffix!r} names no video format that can be written. Write {SUFFIX_LIST}, or "
        f"name/%05d.png for numbered pictures.{did_you_mean(target.suffix, WRITTEN_SUFFIXES)}"
    )
