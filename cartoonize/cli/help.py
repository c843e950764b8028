"""The help of every command, in one layout at any width: what it does, examples, arguments, options.

A docstring is the text of its command: paragraphs, and examples below a line `Examples:`. The help of an
option states what it does; its values, its limits and its default are added here.
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

EXAMPLES = "Examples:"
_NAMES = 30  # columns at most for the names of options; longer ones need two lines
_KINDS = {Path: "PATH", int: "N", float: "X", str: "TEXT"}


@dataclass(frozen=True, slots=True)
class Description:
    """The text of a command: paragraphs of one line each, and commands to copy."""

    paragraphs: list[str]
    examples: list[str]

    @property
    def summary(self) -> str:
        """The first sentence, for a list of commands."""
        first = self.paragraphs[0] if self.paragraphs else ""
        sentence, _, _ = first.partition(". ")
        return sentence.removesuffix(".") + "."


def describe_command(command: Any) -> Description:
    """The docstring of a command, whatever its line breaks are."""
    text, _, examples = inspect.cleandoc(command.help or "").partition(EXAMPLES)
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    return Description([paragraph for paragraph in paragraphs if paragraph], lines)


def name_of(parameter: Any) -> str:
    """An option with its value, or an argument: "-y, --overwrite", "--crf X", "--audio / --no-audio"."""
    if parameter.param_type_name == "argument":
        return _name_argument(parameter)
    names = ", ".join(sorted(parameter.opts, key=len))
    if parameter.is_flag:
        return " / ".join([names, *parameter.secondary_opts])
    return f"{names} {_name_value(parameter)}"


def explain(parameter: Any) -> str:
    """What an option or argument is for, its limits, and its default."""
    facts = [limits_of(parameter), f"default: {default}" if (default := default_of(parameter)) else ""]
    if parameter.required and parameter.param_type_name == "option":
        facts.insert(0, "required")
    stated = "; ".join(filter(None, facts))
    return " ".join(filter(None, (parameter.help, f"[{stated}]" if stated else "")))


def default_of(parameter: Any) -> str:
    """Describe the default of an option; empty if there is none, or if it is a switch that is off."""
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default = parameter.default
    if not parameter.show_default or default is None or default is False or callable(default):
        return ""
    return "on" if default is True else f"{default:g}" if isinstance(default, float) else str(default)


def usage_of(command: Any, words: str) -> str:
    """The form of a command: "cartoonize image [OPTIONS] INPUT... OUTPUT"."""
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    placeholders = ["COMMAND"] if hasattr(command, "commands") else map(_name_argument, arguments)
    return " ".join([words, "[OPTIONS]", *placeholders])


def render_help(command: Any, context: Any) -> "RenderableType":
    """The help for a terminal."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    description = describe_command(command)
    parts: list[RenderableType] = [
        Text.assemble(("Usage: ", "bold"), usage_of(command, context.command_path))
    ]
    for paragraph in description.paragraphs:
        parts += [Text(), Text(paragraph)]
    if description.examples:
        examples = Text("\n".join(description.examples))
        parts += [Text(), Text(EXAMPLES, style="bold"), Padding(examples, (0, 0, 0, 2), expand=False)]
    panels = list(_panels(command, context))
    width = min(_NAMES, max(len(name) for _, rows in panels for name, _ in rows))
    for title, rows in panels:
        parts += [
            Text(),
            Text(f"{title}:", style="bold"),
            Padding(_table(rows, width), (0, 0, 0, 2), expand=False),
        ]
    return Group(*parts)


def _panels(command: Any, context: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The titles and rows below the examples: arguments, options and commands by panel."""
    panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(context):
        title = "Arguments" if parameter.param_type_name == "argument" else "Options"
        rows = panels.setdefault(getattr(parameter, "rich_help_panel", None) or title, [])
        rows.append((name_of(parameter), explain(parameter)))
    if hasattr(command, "commands"):
        options = panels.pop("Options")
        for name, inner in command.commands.items():
            rows = panels.setdefault(inner.rich_help_panel or "Commands", [])
            rows.append((name, describe_command(inner).summary))
        panels["Options"] = options
    yield from ((title, rows) for title, rows in panels.items() if rows)


def _table(rows: list[tuple[str, str]], width: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=width, style="bold cyan")
    table.add_column()
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return table


def _name_argument(argument: Any) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _name_value(option: Any) -> str:
    """Return the placeholder for the value of an option."""
    if option.metavar:
        return str(option.metavar)
    described = option.type_descriptor
    if described.choices:
        return "|".join(map(str, described.choices))
    annotation = described.annotation
    return _KINDS.get(annotation.__args__[0] if described.is_list else annotation, "TEXT")


def limits_of(parameter: Any) -> str:
    """The numbers that an option accepts: "0 to 63", "1 or more"; empty without a limit."""
    least, most = (
        "" if limit is None else f"{limit:.10g}"
        for limit in (getattr(parameter, "min", None), getattr(parameter, "max", None))
    )
    if least and most:
        return f"{least} to {most}"
    return f"{least} or more" if least else f"{most} or less" if most else ""
