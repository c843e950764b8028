"""Styles shown to people: the table of all, and the card of one."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..core.errors import ModelError
from ..styles import DEFAULT, builtin_styles, find_style, user
from ..styles.card import Card, Header, read_header

Rows = Iterator[tuple[str, str]]


def styles_table() -> Table:
    """The built-in styles and the user's own, a line each; one that cannot be used says why."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("style", "what it looks like", "network", "licence", "from"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("style", "network"))
    shown = {name: _builtin_row(name, path) for name, path in builtin_styles().items()}
    for name in user.names():
        shown.setdefault(name, _own_row(name))
    for name, cells in shown.items():
        table.add_row(name, *map(Text, cells))
    return table


def _builtin_row(name: str, path: Path) -> tuple[str, ...]:
    header = read_header(path)
    origin = "built in, the default" if name == DEFAULT else "built in"
    return header.card.summary, header.network, header.card.licence, origin


def _own_row(name: str) -> tuple[str, ...]:
    try:
        known, card = user.read_record(name), _card(user.verify_file(name))
    except ModelError:
        return f"cannot be used: `cartoonize styles show {name}` tells why", "", "", "yours"
    host = urlsplit(known.source).hostname if "://" in known.source else None
    return card.summary, known.network, known.licence, f"yours, {host}" if host else "yours"


def style_card(name: str) -> Group:
    """All that is known of a style: what its file says of itself, and where one of the user's own is from.

    Raises:
        ModelError: there is no such style, or its file is damaged.
    """
    path = find_style(name)
    known = user.read_record(name) if name in user.names() and name not in builtin_styles() else None
    header = read_header(path) if known is None or path.suffix == ".safetensors" else None
    card = header.card if header else Card()
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold")
    for label, text in (
        ("summary", card.summary),
        ("licence", known.licence if known else card.licence),
        ("trained on", card.data if header else ""),
        ("credit", card.credit if header else ""),
        ("recipe", card.recipe),
        ("network", _details(header) if header else known.network if known else ""),
        ("figures", ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in card.figures.items())),
        *(_origin(known) if known else ()),
        ("file", str(path)),
        ("preview", str(path.with_suffix(".webp")) if path.with_suffix(".webp").exists() else ""),
    ):
        if text:
            rows.add_row(label, Text(text))
    return Group(Text(name if known else card.name or name, style="bold magenta"), rows)


def _origin(known: user.Record) -> Rows:
    yield "from", f"{known.source}, added {known.added}"
    yield "SHA-256", known.sha256


def _card(path: Path) -> Card:
    return read_header(path).card if path.suffix == ".safetensors" else Card()


def _details(header: Header) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in header.config.items())
    return f"{header.architecture} ({settings}), {header.parameters:,} parameters"
