"""How INPUT is read."""

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.choices import Hdr
from ..values import parse_rate, parse_seconds
from .look import SizeOptions
from .panels import READING

if TYPE_CHECKING:
    from ...media import Decoding


MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Refuse larger pictures and frames, before they take memory.",
        show_default="256 million; 67 million in a video",
        rich_help_panel=READING,
    ),
]


@dataclass(frozen=True, slots=True)
class RangeOptions:
    """The part of a video to convert, in seconds."""

    start: Annotated[
        float | None,
        typer.Option(
            parser=parse_seconds,
            metavar="TIME",
            help="Start here: 90, 1:30 or 0:01:30.5.",
            rich_help_panel=READING,
        ),
    ] = None
    end: Annotated[
        float | None,
        typer.Option(
            parser=parse_seconds,
            metavar="TIME",
            help="Stop here, counted from the start of INPUT.",
            rich_help_panel=READING,
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """How a video is read: fields of media.Decoding, by the same names."""

    stream: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Number of the video stream to convert.", rich_help_panel=READING
        ),
    ] = None
    fps: Annotated[
        Fraction | None,
        typer.Option(
            parser=parse_rate,
            metavar="RATE",
            help="Frames per second of a folder of pictures: 24 or 30000/1001.",
            show_default="25",
            rich_help_panel=READING,
        ),
    ] = None
    hdr: Annotated[
        Hdr,
        typer.Option(
            metavar="tonemap|fail",
            help="Convert HDR to SDR by ITU-R BT.2390, or refuse it.",
            rich_help_panel=READING,
        ),
    ] = "tonemap"
    max_pixels: MaxPixels = None

    def build(self, size: SizeOptions) -> "Decoding":
        from ...media import Decoding

        return Decoding(**asdict(self), **asdict(size))
