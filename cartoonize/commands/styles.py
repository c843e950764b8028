"""`cartoonize styles`."""

import sys
from typing import Annotated

import typer

from ..completion import style_names
from ..console import terminal
from .own_styles import add, remove

app = typer.Typer(invoke_without_command=True, rich_markup_mode="rich")
app.command("add")(add)
app.command("remove")(remove)


@app.callback()
def styles(context: typer.Context) -> None:
    """List the styles that there are: the built-in ones and yours.

    [bold]Examples[/bold]

      cartoonize styles

      cartoonize styles show pepper
    """
    if context.invoked_subcommand is None:
        from ..cards import styles_table

        terminal(sys.stdout).print(styles_table())


@app.command("show")
def show_style(
    name: Annotated[str, typer.Argument(help="A style or a style file.", autocompletion=style_names)],
) -> None:
    """Print a style's card: what it was trained on, its licence, where it is from, how to make it again.

    [bold]Examples[/bold]

      cartoonize styles show pepper

      cartoonize styles show runs/mine/style.safetensors
    """
    from ..cards import style_card

    terminal(sys.stdout).print(style_card(name))
