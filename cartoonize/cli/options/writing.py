"""How OUTPUT is compressed.

A new option of the encoder is a field of `EncoderOptions`, and one of the same name in media.Encoding.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .. import completion
from .panels import WRITING

if TYPE_CHECKING:
    from ...media import Encoding


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """The encoder of a video: fields of media.Encoding, by the same names."""

    codec: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A codec, such as hevc or av1, or an encoder of FFmpeg.",
            autocompletion=completion.encoders,
            show_default="libx264; libvpx-vp9 for .webm",
            rich_help_panel=WRITING,
        ),
    ] = None
    crf: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=63,
            metavar="X",
            help="Constant quality: lower is better and larger; up to 51 for H.264 and HEVC.",
            show_default="18 for libx264",
            rich_help_panel=WRITING,
        ),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Speed of the encoder: slower makes smaller files.",
            autocompletion=completion.x264_presets,
            show_default="veryfast for libx264",
            rich_help_panel=WRITING,
        ),
    ] = None

    def build(self) -> "Encoding":
        from ...media import Encoding

        return Encoding(**asdict(self))


@dataclass(frozen=True, slots=True)
class EncodingOptions(EncoderOptions):
    """As EncoderOptions, with what is for files only."""

    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The container, such as matroska, mpegts or y4m.",
            autocompletion=completion.formats,
            show_default="by suffix; matroska for -",
            rich_help_panel=WRITING,
        ),
    ] = None
    audio: Annotated[
        bool,
        typer.Option("--audio/--no-audio", help="Keep the sound, or leave it out.", rich_help_panel=WRITING),
    ] = True
    background: Annotated[
        str,
        typer.Option(
            metavar="COLOUR",
            help="Colour behind transparent video where OUTPUT cannot be transparent.",
            rich_help_panel=WRITING,
        ),
    ] = "white"
