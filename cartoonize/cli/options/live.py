"""What `live` reads, at which size it draws, and where the result goes."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ...core.errors import MediaError
from ..values import Size, parse_rate, parse_size
from .panels import LOOK

if TYPE_CHECKING:
    from ...media import Decoding


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Where live pictures come from and go to."""

    source: Annotated[
        str,
        typer.Option(
            metavar="camera|URL|FILE",
            help="camera, camera:1 or camera:NAME; an address such as udp://:5000 or rtsp://...; a file, "
            "played in real time; lavfi: and a filter graph of FFmpeg.",
        ),
    ] = "camera"
    sink: Annotated[
        str,
        typer.Option(
            metavar="window|camera|URL|FILE",
            help="window; camera, a virtual one for Zoom, Teams and OBS; an address such as "
            "udp://127.0.0.1:5000 or rtmp://...; a file to record to; null, to measure.",
        ),
    ] = "window"
    fps: Annotated[
        Fraction | None,
        typer.Option(
            parser=parse_rate,
            metavar="RATE",
            help="Frames per second to ask a camera for, and to convert at most.",
        ),
    ] = None
    size: Annotated[
        Size | None,
        typer.Option(parser=parse_size, metavar="WxH", help="Size to ask a camera for."),
    ] = None
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Stop if the source sends nothing for S seconds.")
    ] = 10.0

    def __post_init__(self) -> None:
        if self.fps is not None and self.fps <= 0:
            raise MediaError(f"{self.fps} frames/s is not a frame rate; write a rate above 0.")


@dataclass(frozen=True, slots=True)
class LiveSizeOptions:
    """The size at which the network draws, and that of the result."""

    detail: Annotated[
        Literal["auto", "low", "normal", "high", "full"],
        typer.Option(
            metavar="LEVEL",
            help="Lines at which the network draws: 480 (low), 720 (normal), 1080 (high), those of the "
            "source (full), or 720 as long as the machine keeps up, then fewer (auto).",
            rich_help_panel=LOOK,
        ),
    ] = "auto"
    max_size: Annotated[
        int,
        typer.Option(
            min=16,
            metavar="PX",
            help="Largest width or height of the result in pixels; 640 is 360p of a wide picture.",
            rich_help_panel=LOOK,
        ),
    ] = 1280

    def build(self) -> "Decoding":
        """How to read the source; `auto` begins at `normal`."""
        from ...media import Decoding

        return Decoding(max_size=self.max_size, detail="normal" if self.detail == "auto" else self.detail)
