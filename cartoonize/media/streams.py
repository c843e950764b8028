"""What streams tell of themselves. To those of an unknown codec PyAV gives no codec context."""

from av.stream import Disposition, Stream

JUMP = 0.5
"""Seconds by which a clock must go back to count as another clock, as joined recordings have."""


def codec_name(stream: Stream) -> str:
    """FFmpeg's name of the codec; empty if it is unknown."""
    return "" if stream.codec_context is None else stream.codec_context.name


def is_known(stream: Stream) -> bool:
    """Whether FFmpeg can tell of what codec it is; nothing of others can be decoded."""
    return stream.codec_context is not None


def size(stream: Stream) -> tuple[int, int]:
    """Width and height of a video stream, as far as its header tells; zero otherwise."""
    return (getattr(stream, "width", 0) or 0, getattr(stream, "height", 0) or 0)


def is_cover(stream: Stream) -> bool:
    """Whether it is a picture that stands for the file, and no video."""
    return bool(stream.disposition & Disposition.attached_pic)


def described(stream: Stream) -> str:
    """Its number, and what is known of it, for messages."""
    width, height = size(stream)
    known = [codec_name(stream) or "unknown codec", *([f"{width}x{height}"] if width else [])]
    return f"{stream.index} ({', '.join(known)})"
