"""The limits of the files that `web` accepts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .panels import LIMITS

if TYPE_CHECKING:
    from ...web.limits import Limits


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """The limits of the files that visitors of the page may send."""

    max_upload: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="MB",
            help="Of one file.",
            show_default="4000; 200 if others can open the page",
            rich_help_panel=LIMITS,
        ),
    ] = None
    max_seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            metavar="S",
            help="Of a video.",
            show_default="no limit; 120 if others can open the page",
            rich_help_panel=LIMITS,
        ),
    ] = None
    max_frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Of a video.",
            show_default="no limit; 7200 if others can open the page",
            rich_help_panel=LIMITS,
        ),
    ] = None
    max_pixels: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Of a picture, or a frame.",
            show_default="50 million",
            rich_help_panel=LIMITS,
        ),
    ] = 50_000_000

    def build(self, *, private: bool) -> "Limits":
        """The limits of a page that only this computer can open, if `private`, or others too."""
        from ...web.limits import choose_limits

        return choose_limits(
            private=private,
            megabytes=self.max_upload,
            seconds=self.max_seconds,
            frames=self.max_frames,
            pixels=self.max_pixels,
        )
