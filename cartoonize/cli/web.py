"""`cartoonize web`."""

import os
import sys
import webbrowser
from importlib.util import find_spec
from typing import Annotated

import typer

from ..core.errors import WebError
from .console import escape, print_message
from .options import Device

_LIMITS = "Limits"


def web(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 serves the whole network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0 is any free port.")] = 7860,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    device: Device = "auto",
    max_upload: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="MB",
            rich_help_panel=_LIMITS,
            help="Of one file: 200, or 4000 for this computer only.",
        ),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            metavar="S",
            rich_help_panel=_LIMITS,
            help="Of a video: 120, or no limit for this computer only.",
        ),
    ] = None,
    max_frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            rich_help_panel=_LIMITS,
            help="Of a video: 7200, or no limit for this computer only.",
        ),
    ] = None,
    max_pixels: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Of a picture, or a frame.",
            show_default="50 million",
            rich_help_panel=_LIMITS,
        ),
    ] = 50_000_000,
) -> None:
    """Serve a web page: drop pictures and videos, choose a style, compare the results, download them.

    Only this computer can open it, unless --host says otherwise. Ctrl-C ends it,
    and removes all its files. Programs can use it too: ADDRESS/api shows how.

    Examples:
      cartoonize web --open
      cartoonize web --host 0.0.0.0 --port 8000 --max-seconds 30
    """
    if not all(map(find_spec, ("starlette", "uvicorn", "python_multipart"))):
        raise WebError("The web page needs three more packages: pip install 'cartoonize[web]'.")
    from ..web.limits import choose_limits
    from ..web.server import is_private, serve

    def show_address(address: str) -> None:
        print_message(f"Open [bold]{escape(address)}[/bold] in a browser; Ctrl-C ends it.")
        if not is_private(host):
            print_message(
                "[yellow]Note:[/yellow] Everyone who can reach this computer can now use the page, without a "
                "password, and everyone in between can read along: nothing is encrypted. See docs/web.md."
            )
        if open_page and not _open_browser(address):
            print_message("[yellow]Note:[/yellow] No browser can be opened here.")

    limits = choose_limits(
        private=is_private(host),
        megabytes=max_upload,
        seconds=max_seconds,
        frames=max_frames,
        pixels=max_pixels,
    )
    serve(host, port, limits, device=device, on_ready=show_address)


def _open_browser(address: str) -> bool:
    """Open a page in a window. A browser within the terminal would block the server."""
    has_windows = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return has_windows and webbrowser.open(address)
