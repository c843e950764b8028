"""Animated pictures: which files are, and how often they are shown, neither of which FFmpeg tells."""

from pathlib import Path

from .picture import DAMAGE, open_picture

_SUFFIXES = {".gif", ".png", ".apng", ".webp"}


def is_animated(path: Path) -> bool:
    """Whether a picture file holds more than one frame; of what cannot be read, no."""
    if path.suffix.lower() not in _SUFFIXES:
        return False
    try:
        with open_picture(path) as picture:
            return getattr(picture, "n_frames", 1) > 1
    except DAMAGE:
        return False


def plays(path: Path) -> int:
    """How often an animation is shown, 0 being without end, as of all that is no animation."""
    if path.suffix.lower() not in _SUFFIXES:
        return 0
    try:
        with open_picture(path) as picture:
            loop = picture.info.get("loop")
    except DAMAGE:
        return 0
    if path.suffix.lower() != ".gif":
        return int(loop or 0)
    return 1 if loop is None else loop and loop + 1  # GIF counts the times after the first
