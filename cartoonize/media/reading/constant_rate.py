"""Finds out whether the frames of a video follow each other at a constant rate, without decoding it."""

from collections.abc import Sequence
from fractions import Fraction

import av
from av.stream import Stream

from ..remote import Location, open_container


def has_constant_rate(path: Location | None, video: Stream, rate: Fraction, zero: int, first: int) -> bool:
    """Whether all times are multiples of 1 / `rate`, as far as ticks of the clock allow.

    An index of all frames lists them; without one, all packets are read through a second handle.
    `path` is None for a file that can be read only once.
    `zero` is the tick of the file that is time zero, and `first` the first frame from there, in ticks.
    """
    time_base = Fraction(video.time_base or 1)
    entries = video.index_entries
    if len(entries) == video.frames > 1:  # its times are those of decoding
        times = [entry.timestamp - entries[0].timestamp for entry in entries]
        return first * time_base * rate % 1 == 0 and _is_even(times, time_base * rate)
    if path is None:
        return False
    try:
        with open_container(path) as container:
            packets = container.demux(container.streams[video.index])
            stamps = [packet.pts for packet in packets if packet.size and not packet.is_discard]
    except (av.error.FFmpegError, OSError):
        return False
    times = [pts - zero for pts in stamps if pts is not None]
    return len(times) == len(stamps) > 1 and _is_even(times, time_base * rate)


def _is_even(times: Sequence[int], frames_per_tick: Fraction) -> bool:
    """Whether each time, in ticks, is that of another frame."""
    tolerance = frames_per_tick if 2 * frames_per_tick < 1 else Fraction(0)
    numbers = [round(time * frames_per_tick) for time in times]
    return len(set(numbers)) == len(times) and all(
        abs(time * frames_per_tick - number) <= tolerance for time, number in zip(times, numbers, strict=True)
    )
