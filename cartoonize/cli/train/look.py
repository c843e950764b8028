"""`train look`: measure the look of an artist's pictures."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import TrainingError
from ..console import escape, print_message, print_result, size_of
from ..progress import count_progress, spinner
from . import options

if TYPE_CHECKING:
    from ...training.looks import MeasuredLook


def look(
    style: Annotated[
        list[Path], typer.Argument(metavar="STYLE...", help="Folders of pictures, pictures, or films.")
    ],
    out: Annotated[Path | None, typer.Option(help="The TOML file to write, a base for recipes.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="The picture to write that shows the lines that were found.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Photos, three of which the sheet shows redrawn in the look.")
    ] = None,
    workers: options.Processes = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace existing files.")] = False,
) -> None:
    """Measure an artist's look: lines, tones, colours, fills; write it as settings for a recipe.

    Examples:
      cartoonize train look drawings/
      cartoonize train look film.mkv --out look.toml
      cartoonize train look drawings/ --sheet sheet.png --photos photos/
    """
    from ...core.atomic import check_target
    from ...training.looks import target_look, write_look
    from ...training.looks.measure import MAX_PICTURES, choose_drawings, measure_pictures, summarise
    from ...training.looks.sheet import write_sheet
    from ...training.looks.sources import open_pictures
    from ...training.pictures import list_pictures, sample_evenly

    for target in (out, sheet):
        if target:
            check_target(target, overwrite=overwrite)
    if photos and not sheet:
        raise TrainingError("--photos are for the sheet: pass --sheet too.")
    examples = list_pictures(photos) if photos else []
    with open_pictures(style) as pictures:
        with count_progress("pictures") as progress:
            figures = measure_pictures(sample_evenly(pictures, MAX_PICTURES), workers, progress)
        measured = summarise(figures)
        _print_look(measured)
        if out:
            write_look(out, measured, source=", ".join(path.name for path in style), overwrite=overwrite)
            command = f"cartoonize train run --look {shlex.quote(str(out))} --style ..."
            print_message(escape(f"{out}: the look. Use it: {command}"))
        if sheet:
            with spinner("Drawing the sheet"):
                write_sheet(
                    sheet, choose_drawings(figures), target_look(measured), examples, overwrite=overwrite
                )
            print_message(escape(f"{sheet}: the lines that were found{size_of(sheet)}"))


def _print_look(measured: "MeasuredLook") -> None:
    from rich.table import Table

    table = Table("figure", "value")
    for name, value in measured.rows():
        table.add_row(name, value)
    print_result(table)
