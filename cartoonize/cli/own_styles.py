"""`cartoonize styles add` and `cartoonize styles remove`."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import MediaError, ModelError
from ..styles import check_style_name, user
from ..styles import remove as remove_style
from ..styles.card import UNKNOWN
from .completion import own_styles
from .console import ask, can_ask, escape, print_message, print_notices
from .progress import count_progress
from .quantities import format_size

if TYPE_CHECKING:
    from ..tools.install_style import Candidate


def add(
    location: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER|URL",
            help="A style file or a network (.safetensors, .onnx), the folder of a training run, or an "
            "https address.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the style.", show_default="the file's name"),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option("--licence", "--license", metavar="TEXT", help="Licence, if the file states none."),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="Accept only a file with this hash.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing; an unstated licence stays unknown.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "-y", help="Replace your style of this name.")
    ] = False,
) -> None:
    """Add a style, to use it by its name. The file is tried first, and its hash is stored.

    An int8 file beside it is added too, if the style names it.

    Examples:
      cartoonize styles add runs/mine --name mine
      cartoonize styles add https://example.org/ink.onnx --licence MIT
    """
    from ..tools.install_style import default_name, fetch_style, install_style

    name = default_name(location) if name is None else name
    check_style_name(name)
    if name in user.names() and not overwrite:
        raise MediaError(f"You have a style {name} already; pass --overwrite (-y) to replace it, or --name.")
    with ExitStack() as stack:
        with count_progress(name, format_size) as progress:  # removed before a question is asked
            candidate = stack.enter_context(fetch_style(location, sha256=sha256, progress=progress))
        licence = licence or _find_licence(candidate, may_ask=not yes)
        install_style(candidate, name, licence=licence, overwrite=overwrite)
    print_message(
        f"Added [bold]{name}[/bold]: {escape(candidate.network)}, licence: {escape(licence)}.\n"
        f"SHA-256 {candidate.sha256}\nUse it by --style {name}."
    )
    if candidate.int8_file:
        print_message("Its int8 file, for CPUs, was added too.")
    if candidate.int8_problem:
        print_notices([f"The style was added without its int8 file, for CPUs: {candidate.int8_problem}"])


def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A style that you added.", autocompletion=own_styles)
    ],
) -> None:
    """Remove a style that you added, and its files.

    Examples:
      cartoonize styles remove mine
      cartoonize styles remove hayao-v3
    """
    remove_style(name)
    print_message(f"Removed {name}.")


def _find_licence(candidate: "Candidate", *, may_ask: bool) -> str:
    """The licence that the file states, or the answer of the user."""
    stated = candidate.card.licence
    if stated != UNKNOWN or not may_ask:
        return stated
    if not can_ask():
        raise ModelError(
            f"{candidate.source} states no licence: pass --licence TEXT, or --yes to leave it unknown."
        )
    question = f"{candidate.source} states no licence. Which one applies? (Enter: unknown)"
    return ask(question) or UNKNOWN
