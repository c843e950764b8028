"""`cartoonize web`."""

import os
import sys
import webbrowser
from typing import Annotated

import typer

from .console import print_message, print_note
from .options import Device, LimitOptions


def web(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 serves the whole network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 is any free one.")] = 7860,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    key: Annotated[
        bool | None,
        typer.Option(
            "--key/--no-key",
            help="Require the secret key in the printed address; the default with --host.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    *,
    limits: LimitOptions,
) -> None:
    """Serve a web page: drop pictures and videos, choose a style, compare the results, download them.

    Only this computer can open the page. With --host others can, too, and the
    printed address contains a key. Ctrl-C ends the server and removes all files.
    Programs can use the server, too: ADDRESS/api shows how.

    Examples:
      cartoonize web --open
      cartoonize web --host 0.0.0.0 --port 8000 --max-seconds 30
    """
    from ..web.access_key import AccessKey, new_key
    from ..web.addresses import is_private
    from ..web.server import serve

    private = is_private(host)
    has_key = not private if key is None else key
    access = AccessKey(new_key() if has_key else None)

    def announce(addresses: list[str]) -> None:
        _print_addresses(addresses, has_key=has_key, private=private)
        page = addresses[0].partition("?")[0]
        if open_page and not _open_browser(access.one_time_address(page)):
            print_note("No browser can be opened here: open the address yourself.")

    serve(host, port, limits.build(private=private), key=access, device=device, on_ready=announce)


def _print_addresses(addresses: list[str], *, has_key: bool, private: bool) -> None:
    """Print where the page is. Rich's own `escape` is used, as that of the console would hide the key."""
    from rich.markup import escape

    print_message(f"Open [bold]{escape(addresses[0])}[/bold] in a browser; Ctrl-C ends it.")
    if has_key or not private:
        print_note(escape(_describe_access(addresses[-1], has_key=has_key)))


def _describe_access(address: str, *, has_key: bool) -> str:
    """Who can use the page at an address that others can reach."""
    who = (
        f"Whoever has the address {address} can use the page"
        if has_key
        else f"Everyone who can reach this computer can now use the page at {address}, without a password"
    )
    return f"{who}. Nothing is encrypted: others in the network may read what is sent. See docs/web.md."


def _open_browser(address: str) -> bool:
    """Open a page in a window. A browser within the terminal would block the server."""
    has_windows = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return has_windows and webbrowser.open(address)
