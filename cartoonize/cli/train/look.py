"""`train look`: measure the look of an artist's pictures."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import console_of, escape, print_message, print_result
from . import options

if TYPE_CHECKING:
    from ...training.looks import MeasuredLook


def look(
    style: Annotated[
        list[Path], typer.Argument(metavar="STYLE...", help="Folders of pictures, pictures, or films.")
    ],
    out: Annotated[Path | None, typer.Option(help="The TOML file to write, a base for recipes.")] = None,
    workers: options.Processes = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace existing files.")] = False,
) -> None:
    """Measure an artist's look: lines, tones, colours, fills; write it as settings for a recipe.

    [bold]Examples[/bold]
      cartoonize train look drawings/
      cartoonize train look film.mkv --out look.toml
    """
    from ...core.atomic import check_target
    from ...training.looks import measure_look, write_look

    if out:
        check_target(out, overwrite=overwrite)
    with progress_bar("pictures") as progress:
        measured = measure_look(style, workers=workers, progress=progress)
    _print_look(measured)
    if out:
        write_look(out, measured, source=", ".join(path.name for path in style), overwrite=overwrite)
        print_message(escape(f"{out} has the settings: pass it as --preset."))


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A function that shows the numbers of finished items and of all; nothing unless on a terminal."""
    from rich.progress import Progress

    console = console_of(sys.stderr)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as display:
        task = display.add_task(unit, total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)


def _print_look(measured: "MeasuredLook") -> None:
    from rich.table import Table

    table = Table("figure", "value")
    for name, value in measured.rows():
        table.add_row(name, value)
    print_result(table)
