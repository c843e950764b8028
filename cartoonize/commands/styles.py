"""`cartoonize styles`."""

import sys
from typing import Annotated

import typer

from ..console import terminal

app = typer.Typer(help="The built-in styles.", invoke_without_command=True)


@app.callback()
def styles(context: typer.Context) -> None:
    """List the built-in styles; `cartoonize styles show NAME` prints the card of one."""
    if context.invoked_subcommand is None:
        from ..cards import styles_table

        terminal(sys.stdout).print(styles_table())


@app.command("show")
def show_style(name: Annotated[str, typer.Argument(help="A built-in style or a style file.")]) -> None:
    """Print a style's card: what it was trained on, its licence, how to make it again."""
    from ..cards import style_card

    terminal(sys.stdout).print(style_card(name))
