"""Opening what a video is written to: a file whose suffix names the format, or standard output."""

from pathlib import Path, PurePath

import av
from av.container import OutputContainer

from ...core.choices import FORMATS, SHORT_FORMATS, did_you_mean
from ...core.errors import MediaError
from ..remote import Location
from .journal import StandardOutput

VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".flv",
    ".f4v", ".wmv", ".asf", ".3gp", ".3g2", ".ogv", ".mxf", ".nut", ".y4m", ".h264", ".h265", ".hevc", ".dv",
})  # fmt: skip
"""The lower-case suffixes by which videos are known in a folder. What is named itself may have any."""

WRITTEN_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".flv", ".y4m", ".gif", ".webp", ".png", ".apng",
})  # fmt: skip
"""Those that tests hold to be written well; FFmpeg knows more, not all of which can hold what is encoded."""

_ANYTHING = ".mkv"  # holds nearly all kinds of sound and subtitles as they are
_STREAMED = "matroska"  # holds any codec, and is written without going back
_ANIMATIONS = {".png": "apng", ".apng": "apng", ".webp": "webp"}  # stills to FFmpeg, unless it is told


def muxer_name(target: Location, asked: str | None) -> str:
    """The format to write, by FFmpeg's name. No file is touched.

    Args:
        target: where to; its suffix decides if nothing was asked for.
        asked: FFmpeg's name of the format or a short one; None for what the suffix says.

    Raises:
        MediaError: there is no such format, or it does not put a video into a single file.
    """
    standard_output = target == StandardOutput.target
    name = SHORT_FORMATS.get(asked or "", asked) or (_STREAMED if standard_output else None)
    name = name or _ANIMATIONS.get(target.suffix.lower())
    refusal = MediaError(_refusal(target, asked))
    try:
        with av.open(target.name, "w", format=name) as container:  # writes when encoding starts
            muxer, no_file = container.format.name, container.format.no_file
    except ValueError as error:
        raise refusal from error
    if no_file:  # playlists and picture series, which write files of their own naming
        raise refusal
    return muxer


def open_output(path: Path, muxer: str, plays: int) -> OutputContainer:
    """Open the container; the file is created when encoding starts.

    Args:
        path: where to.
        muxer: its format, by FFmpeg's name.
        plays: how often an animation is shown; 0 is without end.
    """
    # The index in front lets web players start before the file has been read to its end; a pipe, where there
    # is no going back to write it, gets one for each part.
    streamed = path == StandardOutput.path
    index = "+frag_keyframe+empty_moov+default_base_moof" if streamed else "+faststart"
    loops = plays - 1 if muxer == "gif" and plays else plays  # GIF counts the times after the first; -1: none
    options = {"movflags": index, "loop": str(loops), "plays": str(plays)}  # each format takes its own
    return av.open(str(path), "w", format=muxer, container_options=options)


def _refusal(target: Location, asked: str | None) -> str:
    if asked:
        return (
            f"{asked!r} is no video format that can be written; try mp4, matroska, mpegts or y4m."
            f"{did_you_mean(asked, FORMATS)}"
        )
    return (
        f"The suffix {target.suffix!r} names no video format that can be written; try .mp4 or .mkv, "
        f"or name/%05d.png for numbered pictures.{did_you_mean(target.suffix, WRITTEN_SUFFIXES)}"
    )


def video_name(source: str, asked: str | None = None) -> str:
    """The name of what a video becomes in another folder: its own, with a suffix that can be written.

    Args:
        source: the name of the video.
        asked: the format of the container, as in `open_output`.
    """
    stem, suffix = PurePath(source).stem, PurePath(source).suffix
    if asked:
        short = {long: short for short, long in SHORT_FORMATS.items()} | {"apng": "png"}
        return f"{stem}.{short.get(asked, asked)}"
    return source if suffix.lower() in WRITTEN_SUFFIXES else stem + _ANYTHING
