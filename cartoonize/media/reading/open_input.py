"""Opening a video for reading, and choosing its video stream."""

from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition

from ...core.errors import MediaError
from ...core.messages import is_special_file, missing_file_message
from ..remote import Location, open_container
from ..streams import describe_stream, is_cover, is_known
from .standard_input import PipeInput

_MAX_CLOCK_START = 1.0
"""Seconds. A clock that starts later starts at zero here."""
_CLOCK_STARTS_ANYWHERE = {"mpeg"}
"""Containers, by FFmpeg's name, whose muxers start the clock at half a second or so."""
_MAX_RATE = 1000
"""Frames a second. For DV FFmpeg states the ticks of its clock, 60000."""
_DEFAULT_RATE = Fraction(25)


def open_input(path: Location, options: dict[str, str], standard_input: PipeInput | None) -> InputContainer:
    """Open the container at `path`, or that of standard input. `options` are FFmpeg's.

    Raises:
        MediaError: there is no file, it is empty or a folder, or its index is missing or, in a pipe, last.
    """
    if standard_input is not None:
        return _open_pipe(standard_input, options)
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not a video.")
    if not path.exists():
        raise MediaError(missing_file_message(path))
    if isinstance(path, Path) and is_special_file(path):
        raise MediaError(
            f"{path} is a pipe or a device, not a file; convert standard input: cartoonize video - "
            f"OUTPUT < {path}."
        )
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes).")
    try:
        return open_container(path, options)
    except av.error.InvalidDataError as error:
        if not (isinstance(path, Path) and _is_iso_file(path)):
            raise
        raise MediaError(
            f"The index of {path} is missing or damaged, as after an interrupted recording or download; copy "
            "it again, or repair it with a program for that."
        ) from error


def _is_iso_file(path: Path) -> bool:
    """Whether it begins like an MP4 or MOV file."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _open_pipe(standard_input: PipeInput, options: dict[str, str]) -> InputContainer:
    try:
        return open_container(standard_input, options)
    except av.error.InvalidDataError as error:
        if not standard_input.has_index_last:
            raise
        raise MediaError(
            "The index of this MP4 or MOV file is at its end, where a pipe cannot seek; name the file, or "
            "redirect it (< FILE)."
        ) from error


def file_stamp(path: Location) -> tuple[int, int] | None:
    """Size and time of a file, which change when it does; None if it was deleted, which an open handle
    survives."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def select_video_stream(container: InputContainer, path: Location, number: int | None) -> av.VideoStream:
    """Return the video stream of that number; without a number the first of the default ones or of all.

    Raises:
        MediaError: there is no such video stream, or its codec is unknown. Covers are not video streams.
    """
    candidates = [stream for stream in container.streams.video if not is_cover(stream)]
    videos = [stream for stream in candidates if is_known(stream)]
    if not videos:
        kind = "video stream of a known codec" if candidates else "video stream"
        is_music = not candidates and any(map(is_cover, container.streams.video))
        hint = "; the picture in it is the cover of its sound" if is_music else ""
        raise MediaError(f"There is no {kind} in {path}{hint}.")
    if number is None:
        defaults = [stream for stream in videos if stream.disposition & Disposition.default] or videos
        # Recordings of broadcasts may list streams of which they hold nothing.
        return next((stream for stream in defaults if stream.average_rate), defaults[0])
    for stream in videos:
        if stream.index == number:
            return stream
    is_unknown = any(stream.index == number for stream in candidates)
    fault = "has an unknown codec" if is_unknown else "is not a video stream"
    known = ", ".join(map(describe_stream, videos))
    raise MediaError(f"Stream {number} of {path} {fault}; its video streams are {known}.")


def clock_start(
    container: InputContainer, video: av.VideoStream, program: frozenset[int] | None = None
) -> float:
    """The second on the file's clock that becomes time zero; `program` are the streams that share it, or
    None.

    It is zero, except where the clock starts late, as in transport and program streams, or has frames from
    before zero.
    """
    start = (container.start_time or 0) / av.time_base
    if program:
        streams = [stream for stream in container.streams if stream.index in program]
        start = min(float((stream.start_time or 0) * (stream.time_base or 0)) for stream in streams)
    if start > _MAX_CLOCK_START or container.format.name in _CLOCK_STARTS_ANYWHERE:
        return start
    first = (video.start_time or 0) * (video.time_base or 0)
    return min(0.0, float(first))


def frame_rate(video: av.VideoStream) -> Fraction:
    """The first plausible one of the frame rates that FFmpeg states for a stream; 25 if there is none."""
    rates = (video.average_rate, video.guessed_rate, video.base_rate)
    return next((Fraction(rate) for rate in rates if rate and 0 < rate <= _MAX_RATE), _DEFAULT_RATE)
