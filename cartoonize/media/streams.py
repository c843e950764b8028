"""Properties of streams. Streams of an unknown codec have no codec context in PyAV."""

from av.stream import Disposition, Stream

JUMP = 0.5
"""Seconds by which a clock must go back to count as another clock, as joined recordings have."""


def codec_name(stream: Stream) -> str:
    """FFmpeg's name of the codec, not of its decoder (`mp3float`); empty if it is unknown."""
    return "" if stream.codec_context is None else stream.codec_context.codec.canonical_name


def is_known(stream: Stream) -> bool:
    """Whether FFmpeg knows the codec; other streams cannot be decoded."""
    return stream.codec_context is not None


def frame_size(stream: Stream) -> tuple[int, int]:
    """Width and height of a video stream by its header; zeros if it does not state them."""
    return (getattr(stream, "width", 0) or 0, getattr(stream, "height", 0) or 0)


def is_cover(stream: Stream) -> bool:
    """Whether it is a cover picture, not a video."""
    return bool(stream.disposition & Disposition.attached_pic)


def describe_stream(stream: Stream) -> str:
    """Its number, codec and size, for messages."""
    width, height = frame_size(stream)
    known = [codec_name(stream) or "unknown codec", *([f"{width}x{height}"] if width else [])]
    return f"{stream.index} ({', '.join(known)})"
