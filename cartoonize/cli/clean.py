"""`cartoonize clean`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import MediaError, WriteError
from .console import ask, can_ask, escape, literal_text, print_error, print_message, print_result
from .quantities import describe_age, format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from ..tools.clean import Leftover


def clean(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...",
            help="Where to look for unfinished videos and files, with all folders below.",
            show_default="the current folder",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove everything without asking.")] = False,
) -> None:
    """Find what stopped runs left behind, and remove it if you agree. Running conversions stay.

    It finds unfinished videos, which the same command would continue, unfinished
    files, and temporary folders that have not changed for a day.

    Examples:
      cartoonize clean
      cartoonize clean films/ --yes
    """
    from ..tools.clean import find_leftovers

    searched = folders or [Path()]
    for folder in searched:
        if not folder.is_dir():
            raise MediaError(f"There is no folder {folder}.")
    leftovers = find_leftovers(searched)
    if not leftovers:
        print_message("There is nothing to remove.")
        return
    print_result(_table(leftovers))
    if yes or _agrees():
        _remove(leftovers)
    else:
        print_message("Nothing was removed.")


def _table(leftovers: "Sequence[Leftover]") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("what")
    table.add_column("where", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("last change", no_wrap=True)
    for leftover in leftovers:
        age = describe_age(time.time() - leftover.changed)
        where = literal_text(str(leftover.path))
        table.add_row(leftover.kind, where, format_size(leftover.size), age)
    return table


def _agrees() -> bool:
    """Ask on a terminal; elsewhere nobody agrees."""
    if not can_ask():
        print_message("To remove this, add --yes.")
        return False
    answer = ask("Remove all of this? Unfinished videos start from the beginning then. [y/N]")
    return answer.lower() in ("y", "yes")


def _remove(leftovers: "Sequence[Leftover]") -> None:
    from ..tools.clean import remove_leftover

    freed, failed = 0, 0
    for leftover in leftovers:
        try:
            if remove_leftover(leftover):
                freed += leftover.size
            else:
                print_message(f"{escape(str(leftover.path))} is in use now, and stays.")
        except OSError as error:
            print_error(WriteError.from_os_error(leftover.path, error), label="Failed")
            failed += 1
    print_message(f"Removed {format_size(freed)}.")
    if failed:
        raise WriteError(f"{failed} of {len(leftovers)} could not be removed; see above.")
