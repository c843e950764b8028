"""`cartoonize web`."""

from importlib.util import find_spec
from typing import Annotated

import typer

from ..core.errors import WebError
from .console import escape, print_message
from .options import Device

_TAKEN = "What is taken"


def web(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is for the whole network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0 is any that is free.")] = 7860,
    device: Device = "auto",
    max_upload: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Of one file.", rich_help_panel=_TAKEN)
    ] = 200,
    max_seconds: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Of a video.", rich_help_panel=_TAKEN)
    ] = 120.0,
    max_frames: Annotated[
        int, typer.Option(min=1, metavar="N", help="Of a video.", rich_help_panel=_TAKEN)
    ] = 7200,
    max_pixels: Annotated[
        int, typer.Option(min=1, metavar="N", help="Of a picture, or a frame.", rich_help_panel=_TAKEN)
    ] = 50_000_000,
) -> None:
    """Serve a web page: drop a picture or a video, choose a style, look at the drawing, take it along.

    It is for this computer only, unless --host says otherwise. Ctrl-C ends it, and removes what was brought.

    [bold]Examples[/bold]

      cartoonize web

      cartoonize web --host 0.0.0.0 --port 8000 --max-seconds 30
    """
    if find_spec("gradio") is None:
        raise WebError("The web page needs Gradio: pip install 'cartoonize[web]'.")
    from ..web.limits import MEGABYTE, Limits
    from ..web.server import is_private, serve

    def ready(address: str) -> None:
        print_message(f"Open [bold]{escape(address)}[/bold] in a browser; Ctrl-C ends it.")
        if not is_private(host):
            print_message(
                "[yellow]Note:[/yellow] Everyone who can reach this computer can now have it draw, without a "
                "password, and whoever sits in between can read along: nothing is encrypted. See docs/web.md."
            )

    limits = Limits(max_upload * MEGABYTE, max_seconds, max_frames, max_pixels)
    serve(host, port, limits, device=device, ready=ready)
