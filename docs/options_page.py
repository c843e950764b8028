"""Makes the page of all options from the commands themselves: a hook of mkdocs, so the page is never old."""

import re
from collections.abc import Iterator
from typing import Any

import typer

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
    text, _, examples = (command.help or "").partition("[bold]Examples[/bold]")
    yield f"{' '.join(text.split())}\n"
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    usage = " ".join([words, "[OPTIONS]", *map(_value, arguments)])
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    yield "\n".join(["```", *lines, "```\n"]) if lines else ""
    yield f"Usage: `{usage}`\n"
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield "\n".join(["| | | default |", "|---|---|---|", *rows]) + "\n"


def _row(parameter: Any) -> str:
    """A row of a table: the words of an option with its value, the help, and the default."""
    if parameter.param_type_name == "argument":
        names = f"`{_value(parameter)}`"
    else:
        value = "" if parameter.is_flag else f" {_value(parameter)}"
        names = ", ".join(f"`{name}{value}`" for name in (*parameter.opts, *parameter.secondary_opts))
    explanation = _escape(parameter.help or "").replace("*", "\\*")
    return f"| {names} | {explanation} | {_escape(_default(parameter))} |"


def _value(parameter: Any) -> str:
    """What stands for the value of an option or argument."""
    return str(parameter.metavar or parameter.name.upper())


def _default(parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):
        return shown
    default = parameter.default
    if default is None or isinstance(default, bool) or callable(default) or not str(default):
        return "on" if default is True else ""
    return str(default)


def _escape(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\[/?\w+\]", "", text)).replace("|", "\\|")
