"""`cartoonize styles`."""

from pathlib import Path
from typing import Annotated

import typer

from .app import App
from .completion import style_names
from .console import escape, print_message, print_result, size_of
from .options import DetailName, Device, Overwrite, Quiet
from .own_styles import add, remove
from .progress import file_progress

app = App(invoke_without_command=True)
app.command("add")(add)
app.command("remove")(remove)


@app.callback()
def styles(context: typer.Context) -> None:
    """List all styles, the built-in ones and yours; add, show, preview and remove them.

    Examples:
      cartoonize styles
      cartoonize styles show pepper
    """
    if context.invoked_subcommand is None:
        from .style_cards import styles_list

        print_result(styles_list())
        print_message("\nUse one: --style NAME. Compare them on your own picture:")
        print_message("  cartoonize styles preview portrait.jpg styles.png")


@app.command("preview")
def preview_styles(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A picture, or a video: its middle frame.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The picture to write.")],
    device: Device = "auto",
    detail: DetailName = "normal",
    overwrite: Overwrite = False,
    quiet: Quiet = False,  # noqa: ARG001  # its callback has done all
) -> None:
    """Convert a picture in every style, onto one sheet with their names.

    Examples:
      cartoonize styles preview portrait.jpg styles.png
      cartoonize styles preview holiday.mp4 styles.jpg -y
    """
    from ..run.preview import preview_styles as preview

    names = style_names()
    with file_progress(str(target), len(names), "styles") as show_count:
        preview(source, target, names, device=device, detail=detail, overwrite=overwrite, on_style=show_count)
    print_message(escape(f"{target}: {len(names)} styles{size_of(target)}"))


@app.command("show")
def show_style(
    name: Annotated[
        str, typer.Argument(metavar="STYLE", help="A style or a style file.", autocompletion=style_names)
    ],
    recipe: Annotated[bool, typer.Option("--recipe", help="Print how the style was trained, too.")] = False,
    figures: Annotated[
        bool, typer.Option("--figures", help="Print all measured figures; otherwise those that matter most.")
    ] = False,
) -> None:
    """Print the card of a style: its file, measured figures, licence and training data.

    Examples:
      cartoonize styles show pepper
      cartoonize styles show pepper --figures --recipe
      cartoonize styles show runs/mine/style.safetensors
    """
    from .style_cards import style_card

    print_result(style_card(name, with_recipe=recipe, all_figures=figures))
