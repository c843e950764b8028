"""What the commands take: options that several share, and what their words mean."""

import math
import re
from fractions import Fraction
from typing import Annotated

import typer

from ..core.errors import MediaError
from . import completion
from .console import show_errors

# Panels of `--help`; what stands in none is what most people want.
LOOK, _READ, _WRITTEN = "How it looks", "How SRC is read", "How DST is written"
_ONNX = "Networks of other programs (.onnx)"

Style = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="A style by its name (see `cartoonize styles`), a style file, or a run folder.",
        autocompletion=completion.style_names,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="auto, cpu, cuda or cuda:N. What is asked for runs, or nothing does.",
        autocompletion=completion.devices,
    ),
]
PrecisionName = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="BITS",
        help="auto, fp32, bf16, fp16 or int8; auto is the fastest of the device.",
        autocompletion=completion.precisions,
    ),
]
Batch = Annotated[
    str, typer.Option(metavar="N|auto", help="Frames a call of the network; auto is what suits the device.")
]
Stabilize = Annotated[
    bool,
    typer.Option(
        "--stabilize/--no-stabilize",
        help="Hold the drawing where the source stands still, move it where that moves; so nothing shimmers.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Go on where an interrupted run of the same command stopped, or start anew.",
    ),
]
OnCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="auto|ADDRESS",
        help="Draw on the machines of a Ray cluster; auto is the one that runs here, or this machine alone.",
        show_default=False,
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show where errors come from.", callback=show_errors, expose_value=False),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing DST.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")]

Strength = Annotated[
    float,
    typer.Option(
        min=0, max=1, metavar="X", help="How much is drawn: 0 is SRC, 1 the drawing.", rich_help_panel=LOOK
    ),
]
KeepColour = Annotated[
    bool,
    typer.Option(
        "--keep-colour", help="Keep SRC's own colours; only light and dark are drawn.", rich_help_panel=LOOK
    ),
]
Compare = Annotated[
    str | None,
    typer.Option(
        metavar="side|split|wipe",
        help="Show SRC too: beside the drawing, in its left half, or up to a line that moves.",
        autocompletion=completion.compare,
        rich_help_panel=LOOK,
    ),
]
DetailName = Annotated[
    str,
    typer.Option(
        "--detail",
        metavar="low|normal|high|full",
        help="Draw at 480, 720 or 1080 lines, whatever SRC has, or at its own; the drawing gets SRC's size.",
        autocompletion=completion.details,
        rich_help_panel=LOOK,
    ),
]
MaxSize = Annotated[
    int | None,
    typer.Option(
        metavar="PX", help="Make DST smaller: its longer side in pixels, at most.", rich_help_panel=LOOK
    ),
]

Start = Annotated[
    str | None,
    typer.Option(metavar="T", help="Begin here: 90, 1:30 or 0:01:30.5.", rich_help_panel=_READ),
]
End = Annotated[
    str | None, typer.Option(metavar="T", help="Stop here, on the source's clock.", rich_help_panel=_READ)
]
VideoStream = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="The video stream to draw, by its number.", rich_help_panel=_READ),
]
Fps = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Frames a second of a folder of pictures: 24 or 30000/1001.",
        show_default="25",
        rich_help_panel=_READ,
    ),
]
Hdr = Annotated[
    str,
    typer.Option(
        metavar="tonemap|fail",
        help="Turn HDR into SDR by ITU-R BT.2390, or refuse it.",
        autocompletion=completion.hdr,
        rich_help_panel=_READ,
    ),
]
TolerateErrors = Annotated[
    bool,
    typer.Option(
        "--tolerate-errors",
        help="Take what can be drawn of a damaged SRC for the result.",
        rich_help_panel=_READ,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Refuse larger pictures and frames, before they take memory.",
        show_default="256 million; 67 million in a video",
        rich_help_panel=_READ,
    ),
]

Container = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="The container, as matroska, mpegts or y4m.",
        autocompletion=completion.formats,
        show_default="what the suffix says; matroska for -",
        rich_help_panel=_WRITTEN,
    ),
]
Codec = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="An FFmpeg encoder.",
        autocompletion=completion.encoders,
        show_default="libx264; libvpx-vp9 for .webm",
        rich_help_panel=_WRITTEN,
    ),
]
Crf = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=63,
        metavar="X",
        help="Constant quality: lower is better and larger.",
        show_default="18 for libx264",
        rich_help_panel=_WRITTEN,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The encoder's trade of time for size.",
        autocompletion=completion.x264_presets,
        show_default="veryfast for libx264",
        rich_help_panel=_WRITTEN,
    ),
]
NoAudio = Annotated[bool, typer.Option("--no-audio", help="Leave the sound out.", rich_help_panel=_WRITTEN)]
Background = Annotated[
    str,
    typer.Option(
        metavar="COLOUR",
        help="What transparent video lies on where DST cannot be transparent.",
        rich_help_panel=_WRITTEN,
    ),
]

Provider = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto, tensorrt, cuda or cpu. What is asked for runs, or nothing does.",
        autocompletion=completion.providers,
        rich_help_panel=_ONNX,
    ),
]
InputRange = Annotated[
    str,
    typer.Option(
        metavar="RANGE",
        help="-1..1, 0..1, 0..255, or auto: found by trying.",
        autocompletion=completion.ranges,
        rich_help_panel=_ONNX,
    ),
]
ChannelOrder = Annotated[
    str,
    typer.Option(
        metavar="ORDER", help="rgb or bgr.", autocompletion=completion.orders, rich_help_panel=_ONNX
    ),
]


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
