"""Opening what a video is written to: a file whose suffix names the format, or standard output."""

from pathlib import PurePath

import av
from av.container import OutputContainer

from ...core.choices import FORMATS, SHORT_FORMATS, did_you_mean
from ...core.errors import MediaError
from .journal import Journal, StandardOutput

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


def open_output(pending: Journal | StandardOutput, asked: str | None, plays: int) -> OutputContainer:
    """Open the container.

    Args:
        pending: where to.
        asked: its format, by FFmpeg's name or a short one; None for what the suffix says.
        plays: how often an animation is shown; 0 is without end.

    Raises:
        MediaError: there is no such format, or it is none for a single file with video.
    """
    name = SHORT_FORMATS.get(asked or "", asked) or _usual(pending)
    refusal = MediaError(_refusal(pending, asked))
    try:
        container = av.open(
            str(pending.path), "w", format=name, container_options=_options(pending, name, plays)
        )
    except ValueError as error:
        raise refusal from error
    if container.format.no_file:  # playlists and picture series, which write files of their own naming
        container.close()
        raise refusal
    return container


def _usual(pending: Journal | StandardOutput) -> str | None:
    """The format where none was asked for; None leaves it to FFmpeg, which goes by the suffix."""
    if isinstance(pending, StandardOutput):
        return _STREAMED
    return _ANIMATIONS.get(pending.target.suffix.lower())


def _options(pending: Journal | StandardOutput, name: str | None, plays: int) -> dict[str, str]:
    """Options of all formats at once: each takes its own."""
    # The index in front lets web players start before the file has been read to its end; a pipe, where there
    # is no going back to write it, gets one for each part.
    streamed = isinstance(pending, StandardOutput)
    index = "+frag_keyframe+empty_moov+default_base_moof" if streamed else "+faststart"
    gif = (name or pending.target.suffix.lower().lstrip(".")) == "gif"
    repeats = plays - 1 if gif and plays else plays  # GIF counts the times after the first, -1 being none
    return {"movflags": index, "loop": str(repeats), "plays": str(plays)}


def _refusal(pending: Journal | StandardOutput, asked: str | None) -> str:
    if asked:
        return (
            f"{asked!r} is no video format that can be written; try mp4, matroska, mpegts or y4m."
            f"{did_you_mean(asked, FORMATS)}"
        )
    return (
        f"The suffix {pending.target.suffix!r} names no video format that can be written; try .mp4 or .mkv, "
        f"or name/%05d.png for numbered pictures.{did_you_mean(pending.target.suffix, WRITTEN_SUFFIXES)}"
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
