"""Styles shown to people: the table of all, and the card of one."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from .styles import DEFAULT, builtin, find
from .styles.card import read_header


def styles_table() -> Table:
    """The built-in styles, a line each."""
    table = Table("style", "what it looks like", "network", "parameters", "licence")
    for name, path in builtin().items():
        header = read_header(path)
        label = f"{name} (default)" if name == DEFAULT else name
        network = f"{header.architecture} {header.config.get('width', '')}".strip()
        table.add_row(label, header.card.summary, network, f"{header.parameters:,}", header.card.licence)
    return table


def style_card(name: str) -> Group:
    """All that a style file says of itself.

    Raises:
        ModelError: there is no such style, or its file is damaged.
    """
    path = find(name)
    header = read_header(path)
    card = header.card
    settings = ", ".join(f"{key} {value}" for key, value in header.config.items())
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold")
    for label, text in (
        ("summary", card.summary),
        ("licence", card.licence),
        ("trained on", card.data),
        ("credit", card.credit),
        ("recipe", card.recipe),
        ("network", f"{header.architecture} ({settings}), {header.parameters:,} parameters"),
        ("figures", ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in card.figures.items())),
        ("file", str(path)),
        ("preview", str(path.with_suffix(".webp")) if path.with_suffix(".webp").exists() else ""),
    ):
        if text:
            rows.add_row(label, Text(text))
    return Group(Text(card.name or name, style="bold magenta"), rows)
