"""Parsers of option values. Each error message shows a valid value."""

import re
from fractions import Fraction
from typing import NamedTuple

from ..core.choices import MAX_SECONDS
from ..core.errors import MediaError


class Size(NamedTuple):
    """Pixels."""

    width: int
    height: int


def check_device_name(name: str) -> str:
    """Return the name of a device, or raise BackendError if there is no such kind of device."""
    if name != "auto":
        from ..backends import check_device

        check_device(name)
    return name


def check_style(style: str) -> None:
    """Raise ModelError if there is no style of that name or path."""
    from ..backends.registry import backend_of_style
    from ..styles import find_style

    if backend_of_style(style) is None:
        find_style(style)


def parse_seconds(text: str) -> float:
    """Seconds of "90", "1:30" or "0:01:30.5"."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + part
    if not 1 <= len(parts) <= 3 or not abs(seconds) < MAX_SECONDS or any(part < 0 for part in parts[1:]):
        raise MediaError(f"{text!r} is not a time; write seconds, M:SS or H:MM:SS.")
    return seconds


def parse_batch(text: str) -> int | None:
    """Frames per call of the network; None for "auto"."""
    if text == "auto":
        return None
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise MediaError(f"{text!r} is not a batch size; write a number from 1 to 9999, or auto.")
    return int(text)


def parse_exact_size(text: str) -> Size:
    """Width and height of "1280x720"; they may be odd."""
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not match:
        raise MediaError(f"{text!r} is not a size; write WIDTHxHEIGHT, as in 1280x720.")
    return Size(int(match[1]), int(match[2]))


def parse_size(text: str) -> Size:
    """Width and height of "1280x720", rounded down to even numbers, as most video has to be."""
    width, height = parse_exact_size(text)
    return Size(width // 2 * 2, height // 2 * 2)


def parse_rate(text: str) -> Fraction:
    """Frames per second of "24", "23.976" or "30000/1001"."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise MediaError(f"{text!r} is not a rate; write 24, or 30000/1001.") from error
