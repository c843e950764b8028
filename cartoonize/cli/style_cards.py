"""Styles shown to people: the list of all styles, and the card of one."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..core.errors import ModelError
from ..styles import DEFAULT, builtin_styles, find_style, user
from ..styles.card import Card, Header, int8_path, read_header
from .console import literal_text
from .figures import figures_table

Rows = Iterator[tuple[str, str]]
_NAMES = 30  # columns at most for the names of styles; longer ones need two lines


def styles_list() -> Group:
    """The built-in styles by licence, then the user's; one that cannot be used says so."""
    sections: dict[str, list[tuple[str, ...]]] = {}
    builtin = builtin_styles()
    for name, path in builtin.items():
        card = read_header(path).card
        look = f"{card.summary} (default)" if name == DEFAULT else card.summary
        sections.setdefault(f"Built in; licence: {card.licence}", []).append((name, look))
    for name in user.names():
        if name not in builtin:
            sections.setdefault("Yours", []).append((name, *_describe_own_style(name)))
    width = max(len(row[0]) for rows in sections.values() for row in rows)
    blocks: list[RenderableType] = []
    for title, rows in sections.items():
        blocks += [*([Text()] if blocks else []), _section(title, rows, min(_NAMES, width))]
    return Group(*blocks)


def _section(title: str, rows: list[tuple[str, ...]], width: int) -> Group:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=width, max_width=_NAMES, style="bold cyan", overflow="fold")
    for row in rows:
        table.add_row(*map(literal_text, row))
    return Group(literal_text(f"{title}:", style="bold"), Padding(table, (0, 0, 0, 2), expand=False))


def _describe_own_style(name: str) -> tuple[str, ...]:
    """The look of a style that the user added, its licence, and the server that it is from."""
    try:
        record, card = user.read_record(name), _read_card(user.verify_file(name))
    except ModelError:
        return (f"cannot be used: `cartoonize styles show {name}` says why",)
    host = urlsplit(record.source).hostname if "://" in record.source else None
    return card.summary or record.network, f"{record.licence}, from {host}" if host else record.licence


def style_card(name: str, *, with_recipe: bool = False, all_figures: bool = False) -> Group:
    """The card of a style: what its file states, and for a user's style its origin.

    Args:
        name: of a style, or a path of a style file.
        with_recipe: add how it was trained.
        all_figures: show every measured figure, not only those by which a style is chosen.

    Raises:
        ModelError: there is no such style, or its file is damaged.
    """
    path = find_style(name)
    record = user.read_record(name) if name in user.names() and name not in builtin_styles() else None
    header = read_header(path) if record is None or path.suffix == ".safetensors" else None
    card = header.card if header else Card()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for label, text in _file_rows(path, card, header, record):
        if text:
            table.add_row(label, literal_text(text, overflow="fold"))
    if card.figures:
        table.add_row("figures", figures_table(card.figures, all_figures=all_figures))
    for label, text in _origin_rows(card, header, record):
        if text and (label != "recipe" or with_recipe):
            table.add_row(label, literal_text(text, overflow="fold"))
    return Group(literal_text(name if record else card.name or name, style="bold magenta"), table)


def _file_rows(path: Path, card: Card, header: Header | None, record: user.Record | None) -> Rows:
    preview = path.with_suffix(".webp")
    yield "summary", card.summary
    yield "file", str(path)
    yield "int8 file", _describe_int8(path, header) if header else ""
    yield "preview", str(preview) if preview.exists() else ""
    if record:
        yield "from", f"{record.source}, added {record.added}"
        yield "SHA-256", record.sha256


def _origin_rows(card: Card, header: Header | None, record: user.Record | None) -> Rows:
    yield "licence", record.licence if record else card.licence
    yield "credit", card.credit if header else ""
    yield "trained on", card.data if header else ""
    yield "network", _describe_network(header) if header else record.network if record else ""
    yield "recipe", card.recipe


def _describe_int8(path: Path, header: Header) -> str:
    """The int8 file that the header of a style names, or a sentence that says why CPUs do not use it."""
    file = int8_path(path)
    if not header.int8_sha256:
        return ""
    if not file.is_file():
        return f"missing, so CPUs draw without it: there is no {file}"
    try:
        if user.sha256_of(file) != header.int8_sha256:
            return f"not used: {file} is not the file that the style names"
    except OSError as error:
        return f"not used: cannot read {file}: {error.strerror}"
    return str(file)


def _read_card(path: Path) -> Card:
    return read_header(path).card if path.suffix == ".safetensors" else Card()


def _describe_network(header: Header) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in header.config.items())
    return f"{header.architecture} ({settings}), {header.parameters:,} parameters"
