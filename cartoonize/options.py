"""What the commands take: options that several share, and what their words mean."""

import math
import re
from fractions import Fraction
from typing import Annotated

import typer

from .errors import MediaError

Style = Annotated[
    str,
    typer.Option(
        help="A built-in style (see `cartoonize styles`), a style file, an .onnx file, or a run folder."
    ),
]
Device = Annotated[
    str, typer.Option(help="auto, cpu, cuda or cuda:N. What is asked for runs, or nothing does.")
]
PrecisionName = Annotated[
    str, typer.Option("--precision", help="auto, fp32, bf16 or fp16; auto is the fastest of the device.")
]
Provider = Annotated[
    str,
    typer.Option(help="For .onnx files: auto, tensorrt, cuda or cpu. What is asked for runs, or nothing."),
]
InputRange = Annotated[
    str, typer.Option(help="Of another program's .onnx file: auto (by trying), -1..1, 0..1 or 0..255.")
]
ChannelOrder = Annotated[str, typer.Option(help="Of another program's .onnx file: rgb or bgr.")]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Refuse larger pictures and frames, before they take memory.",
        show_default="256 million; 67 million in a video",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing DST.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")]


def parse_seconds(text: str | None) -> float | None:
    """Seconds of "90", "1:30" or "0:01:30.5"."""
    if text is None:
        return None
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(map(math.isfinite, parts)) or any(part < 0 for part in parts[1:]):
        raise MediaError(f"{text!r} is no time; write seconds, M:SS or H:MM:SS.")
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + part
    return seconds


def parse_batch(text: str) -> int | None:
    """Frames a call; None of "auto"."""
    if text == "auto":
        return None
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise MediaError(f"{text!r} is no batch; write a number from 1, or auto.")
    return int(text)


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of "1280x720"."""
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not match:
        raise MediaError(f"{text!r} is no size; write WIDTHxHEIGHT, as in 1280x720.")
    width, height = int(match[1]), int(match[2])
    return width // 2 * 2, height // 2 * 2  # what every player can show


def parse_rate(text: str | None) -> Fraction | None:
    """Frames a second of "24", "23.976" or "30000/1001"."""
    try:
        return Fraction(text) if text is not None else None
    except (ValueError, ZeroDivisionError) as error:
        raise MediaError(f"{text!r} is no rate; write 24, or 30000/1001.") from error
