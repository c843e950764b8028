"""The measured figures of a style as a table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..styles.figures import FIGURES, MAIN, describe_figure
from .console import literal_text

if TYPE_CHECKING:
    from rich.table import Table


def figures_table(figures: Mapping[str, float], *, all_figures: bool) -> "Table":
    """A line for each figure: its title, its value, its meaning.

    Args:
        figures: by their keys on style cards.
        all_figures: show all of them; otherwise only those by which a style is chosen.
    """
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    known = [key for key in FIGURES if key in figures and (all_figures or key in MAIN)]
    others = [key for key in figures if key not in FIGURES] if all_figures else []
    for key in (*known, *others):
        figure = describe_figure(key)
        table.add_row(literal_text(figure.title), figure.format(figures[key]), literal_text(figure.meaning))
    return table
