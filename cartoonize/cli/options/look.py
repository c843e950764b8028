"""How the result looks: the size of the drawing, its blend with the source, the effects of videos."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.choices import Compare, Detail
from ...core.errors import MediaError
from .panels import LOOK

if TYPE_CHECKING:
    from ...effects.look import Look

_LINES = "Lines at which the network draws: 480 (low), 720 (normal), 1080 (high), those of INPUT (full)."
DetailName = Annotated[Detail, typer.Option("--detail", metavar="LEVEL", help=_LINES, rich_help_panel=LOOK)]


@dataclass(frozen=True, slots=True)
class SizeOptions:
    """The size at which the network draws, and that of the output."""

    detail: Annotated[
        Detail,
        typer.Option(metavar="LEVEL", help=f"{_LINES} OUTPUT keeps the size of INPUT.", rich_help_panel=LOOK),
    ] = "normal"
    max_size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Largest width or height of OUTPUT in pixels.", rich_help_panel=LOOK),
    ] = None


@dataclass(frozen=True, slots=True)
class LookOptions:
    """How the drawing and its source are combined."""

    strength: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="X",
            help="Blend: 0 is INPUT, 1 the drawing.",
            rich_help_panel=LOOK,
        ),
    ] = 1.0
    keep_colour: Annotated[
        bool,
        typer.Option(
            "--keep-colour",
            help="Keep the colours of INPUT; only the brightness comes from the drawing.",
            rich_help_panel=LOOK,
        ),
    ] = False
    compare: Annotated[
        Compare | None,
        typer.Option(
            metavar="VIEW",
            help="Show INPUT too. side: next to the drawing; split: in the left half; wipe: up to a moving "
            "line.",
            rich_help_panel=LOOK,
        ),
    ] = None

    def build(self) -> "Look":
        from ...effects.compositing import Retouch
        from ...effects.look import Look

        retouch = Retouch(strength=self.strength, keep_colour=self.keep_colour, compare=self.compare)
        return Look(retouch=retouch)


@dataclass(frozen=True, slots=True)
class VideoLookOptions(LookOptions):
    """As LookOptions, with the effects for videos only, which need the frames before."""

    stabilize: Annotated[
        bool,
        typer.Option(
            "--stabilize/--no-stabilize",
            help="Prevent flicker: keep the drawing where the video stands still, and move it where that "
            "moves.",
            rich_help_panel=LOOK,
        ),
    ] = True
    on_twos: Annotated[
        bool,
        typer.Option(
            "--on-twos",
            help="12 drawings per second, as in cartoons: each is held for two frames of film.",
            rich_help_panel=LOOK,
        ),
    ] = False
    on_threes: Annotated[
        bool,
        typer.Option(
            "--on-threes",
            help="8 drawings per second: each is held for three frames of film.",
            rich_help_panel=LOOK,
        ),
    ] = False

    def build(self) -> "Look":
        if self.on_twos and self.on_threes:
            raise MediaError("--on-twos holds drawings for two frames, --on-threes for three; choose one.")
        hold = 2 if self.on_twos else 3 if self.on_threes else 1
        return replace(LookOptions.build(self), stabilize=self.stabilize, hold=hold)
