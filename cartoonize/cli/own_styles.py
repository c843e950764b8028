"""`cartoonize styles add` and `cartoonize styles remove`."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import MediaError, ModelError
from ..styles import check_style_name, user
from ..styles import remove as remove_style
from ..styles.card import UNKNOWN
from .completion import own_styles
from .console import console_of, escape, print_message

if TYPE_CHECKING:
    from ..tools.download import Progress
    from ..tools.install_style import Candidate


def add(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URL",
            help="A style file or a network (.safetensors, .onnx), the folder of a training run, or an "
            "https address.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it.", show_default="as the file")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence", "--license", metavar="TEXT", help="Of the weights, if the file tells none."
        ),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="Take only a file with this hash.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: a licence that nobody tells stays unknown.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "-y", help="Replace a style of yours of that name.")
    ] = False,
) -> None:
    """Add a style of your own, to be used by its name. It is tried first, and its hash is kept.

    [bold]Examples[/bold]

      cartoonize styles add runs/mine --name mine

      cartoonize styles add https://example.org/ink.onnx --licence MIT
    """
    from ..tools.install_style import add as keep
    from ..tools.install_style import default_name, fetched

    name = name or default_name(place)
    check_style_name(name)
    if name in user.names() and not overwrite:
        raise MediaError(f"You have a style {name} already; pass --overwrite (-y) to replace it, or --name.")
    with ExitStack() as stack:
        with _bar(name) as progress:  # gone before a question is asked
            candidate = stack.enter_context(fetched(place, sha256=sha256, progress=progress))
        licence = licence or _licence(candidate, ask=not yes)
        keep(candidate, name, licence=licence, overwrite=overwrite)
    print_message(
        f"Added [bold]{name}[/bold]: {escape(candidate.network)}, licence: {escape(licence)}.\n"
        f"SHA-256 {candidate.sha256}\nDraw with it by --style {name}."
    )


def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A style that you added.", autocompletion=own_styles)
    ],
) -> None:
    """Remove a style that you added, and its file.

    [bold]Examples[/bold]

      cartoonize styles remove mine

      cartoonize styles remove hayao-v3
    """
    remove_style(name)
    print_message(f"Removed {name}.")


def _licence(candidate: "Candidate", *, ask: bool) -> str:
    """What the file tells, or whoever sits at the terminal."""
    stated = candidate.card.licence
    if stated != UNKNOWN or not ask:
        return stated
    if not sys.stdin.isatty():
        raise ModelError(
            f"{candidate.source} tells no licence: pass --licence TEXT, or --yes to leave it unknown."
        )
    print_message(f"{escape(candidate.source)} tells no licence. Under which is it? (Enter: unknown)")
    return sys.stdin.readline().strip() or UNKNOWN


@contextmanager
def _bar(name: str) -> Iterator["Progress"]:
    """A bar of bytes on a terminal, nothing elsewhere; it goes at the end."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = console_of(sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None, visible=False)

        def progress(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield progress
