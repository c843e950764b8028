"""The base of all commands: their help, their groups of options, and messages about mistyped words."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from .console import format_result, print_result
from .groups import expand_groups
from .help import render_help
from .usage import refuse_empty_words

Command = TypeVar("Command", bound=Callable[..., None])


def print_help(context: typer.Context) -> None:
    """Print the help of a command."""
    from rich.text import Text

    print_result(Text.from_ansi(context.get_help()))


class _Explained:
    """Shared by commands and groups: our help, and errors that name their command."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        formatter.write(format_result(render_help(self, ctx)))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, and add this command to errors, because Typer's parser does not."""
        try:
            parsed: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]  # of the other base class
        except TyperException as error:
            if getattr(error, "ctx", None) is None:
                error.ctx = ctx  # type: ignore[attr-defined]  # as errors of Typer have it
            raise
        return parsed


class HelpCommand(_Explained, TyperCommand):
    """A command with our help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words. Refuse an empty one where a file is expected."""
        refuse_empty_words(args, self.get_params(ctx))
        return super().parse_args(ctx, args)


class HelpGroup(_Explained, TyperGroup):
    """A group of commands with our help."""


class App(typer.Typer):
    """A group of commands. A command may take groups of options (see groups.py)."""

    def __init__(self, name: str | None = None, *, cls: type[HelpGroup] = HelpGroup, **settings: Any) -> None:
        names = {"help_option_names": ["-h", "--help"]}
        super().__init__(
            name=name, cls=cls, context_settings=names, rich_markup_mode=None, pretty_exceptions_enable=False,
            **settings,
        )  # fmt: skip

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Command], Command]:
        """Register a function as a command. Its docstring is the help."""

        def register(function: Command) -> Command:
            super(App, self).command(name, cls=HelpCommand, **settings)(expand_groups(function))
            return function

        return register
