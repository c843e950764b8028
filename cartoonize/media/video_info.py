"""The description of a video that a sink needs before the first frame arrives."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.packet import Packet

from ..core.messages import count_noun
from .colour import Colour
from .remote import Location

_UNNAMED = Path("frames")


@dataclass(frozen=True, slots=True)
class OtherStreams:
    """The location of all streams except the picture: sound, subtitles, attachments, chapters, metadata.

    Attributes:
        location: the file that holds them.
        picture: the index of the stream that is converted.
        shift: the second of the file's clock that is time zero of the frames.
        start: seconds of the video that are left out at the beginning; None for the whole video.
        end: the second at which the video stops, counted as `start`; None for its end.
        container: the open file, if it can be read only once, as standard input can.
        program: the indexes of the streams in the same programme of a broadcast; None for all streams.
        packets: packets of other streams that the reader of `container` came across; the writer removes them.
    """

    location: Location
    picture: int
    shift: float = 0.0
    start: float | None = None
    end: float | None = None
    container: InputContainer | None = None
    program: frozenset[int] | None = None
    packets: "deque[Packet[Any]]" = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The frames of one video: their size when upright, rate, clock and colours.

    Attributes:
        path: where the video comes from, for messages; a sink never writes to it.
        width: of a frame, in pixels.
        height: of a frame, in pixels.
        rate: frames a second; an average if it varies.
        time_base: seconds of a tick, in which the output counts times.
        colour: the tags that the output gets.
        sample_aspect_ratio: width of a pixel as a multiple of its height.
        pixel_format: the source's own, by FFmpeg's name.
        transparent: whether frames may have `alpha`.
        plays: how often an animation is shown; 0 is forever.
        other_streams: where to copy sound and all else from; None if the video has only its picture.
        has_constant_rate: tells whether all times are known to be multiples of 1 / `rate`; may read the file.
    """

    path: Location
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    colour: Colour
    sample_aspect_ratio: Fraction = Fraction(1)
    pixel_format: str = "rgb24"
    transparent: bool = False
    plays: int = 0
    other_streams: OtherStreams | None = None
    has_constant_rate: Callable[[], bool] = bool

    @classmethod
    def of_frames(
        cls, width: int, height: int, rate: Fraction | int, path: Location = _UNNAMED
    ) -> "VideoInfo":
        """For frames that a program makes, `rate` a second, in the colours that players assume."""
        rate = Fraction(rate)
        return cls(path, width, height, rate, 1 / rate, Colour.of_pictures(height))


def empty_range_message(path: Location, seconds: float | None, frames: int | None) -> str:
    """Return the sentence for a range of times without a frame, with the length of the video if known."""
    message = f"{path} has no frame in the requested range"
    if seconds is None:
        return f"{message}."
    count = f" ({count_noun(frames, 'frame')})" if frames else ""
    return f"{message}: it is {round(seconds, 2):g} s long{count}."
