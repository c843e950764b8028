"""Animated pictures: which files are animated, and how often they play. FFmpeg reports neither."""

from pathlib import Path

from .picture import PILLOW_ERRORS, open_picture

_SUFFIXES = {".gif", ".png", ".apng", ".webp", ".avif"}

READ_BY_PILLOW = {".webp", ".avif"}
"""Animations that FFmpeg does not read, or of which it finds one frame only."""


def is_animated(path: Path) -> bool:
    """Whether a picture file holds more than one frame; false for what cannot be read."""
    if path.suffix.lower() not in _SUFFIXES:
        return False
    try:
        with open_picture(path) as picture:
            return bool(getattr(picture, "is_animated", False))  # does not count the frames of a GIF file
    except PILLOW_ERRORS:
        return False


def play_count(path: Path) -> int:
    """Return how often an animation plays; 0 is forever, and also the value for other files."""
    if path.suffix.lower() not in _SUFFIXES:
        return 0
    try:
        with open_picture(path) as picture:
            loop = picture.info.get("loop")
    except PILLOW_ERRORS:
        return 0
    if path.suffix.lower() != ".gif":
        return int(loop or 0)
    return 1 if loop is None else loop and loop + 1  # GIF counts the repetitions
