"""Sizes and durations in words, for messages and tables."""

from ..core.messages import count_noun

_SIZES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def format_size(count: float) -> str:
    """A number of bytes: "640 bytes", "34 kB", "3.4 MB"; units are powers of 1000, as disks are sold."""
    for unit, size in _SIZES:
        if count >= size:
            value = count / size
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count:.0f} bytes"


def format_duration(seconds: float) -> str:
    """A time that a machine took: "12.3 s", "3 min 20 s", "1 h 05 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min"


def describe_duration(seconds: float) -> str:
    """A rough time in a sentence: "45 seconds", "1 minute", "38 minutes", "2 hours"."""
    for unit, length, limit in (("second", 1, 90), ("minute", 60, 90 * 60), ("hour", 3600, 72 * 3600)):
        if seconds < limit:
            return count_noun(max(1, round(seconds / length)), unit)
    return count_noun(round(seconds / 86400), "day")


def describe_age(seconds: float) -> str:
    """How long ago something was: "5 minutes ago"."""
    return f"{describe_duration(max(0.0, seconds))} ago"
