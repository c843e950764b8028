"""Makes the page of all options from the commands themselves: a hook of mkdocs, so the page is never old."""

from collections.abc import Iterator
from typing import Any

import typer

from cartoonize.cli.help import default_of, describe_command, limits_of, name_of, usage_of
from cartoonize.cli.main import app

PAGE = "options.md"
INTRODUCTION = """\
# All commands and options

This page is made from the program itself. `cartoonize COMMAND --help` prints the same on a terminal.

"""


def on_files(files: Any, config: Any) -> Any:
    """Add the page to the site; mkdocs calls this."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=make_page()))
    return files


def make_page() -> str:
    """Return the page: for each command what it does, its examples, and a table of its options."""
    return INTRODUCTION + "\n".join(_sections(typer.main.get_command(app), ("cartoonize",)))


def _sections(command: Any, words: tuple[str, ...]) -> Iterator[str]:
    if len(words) > 1:
        yield f"## {' '.join(words)}\n"
        yield from _describe(command, " ".join(words))
    for name, inner in getattr(command, "commands", {}).items():
        yield from _sections(inner, (*words, name))


def _describe(command: Any, words: str) -> Iterator[str]:
    description = describe_command(command)
    for paragraph in description.paragraphs:
        yield f"{paragraph}\n"
    yield "\n".join(["```", *description.examples, "```\n"])
    yield f"Usage: `{usage_of(command, words)}`\n"
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield "\n".join(["| | | default |", "|---|---|---|", *rows]) + "\n"


def _row(parameter: Any) -> str:
    """A row of a table: an option with its value, the help, and the default."""
    limits = limits_of(parameter)
    text = " ".join(filter(None, (parameter.help, f"({limits})" if limits else "")))
    cells = _escape(text).replace("*", "\\*"), _escape(default_of(parameter))
    return f"| `{name_of(parameter)}` | {' | '.join(cells)} |"


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
