"""Messages about wrong arguments: what is wrong, and how to write it."""

import re
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from typer.exceptions import TyperException

from ..core.errors import CartoonizeError
from ..core.messages import did_you_mean, join_words
from .console import escape, print_error, print_message
from .help import describe_command, limits_of, name_of, usage_of

_FILES_OF_OTHERS = ("-i", "-o", "--input", "--output", "--out")
"""Options for files of other programs, such as ffmpeg."""
_LISTED = 12  # commands of a group that fit into an error
_TEXT_THAT_NAMES_FILES = {"--style", "--source", "--sink"}  # options of type str that may not be empty
_SHORT = 80  # letters of an explanation that fits into an error


def print_usage_error(error: TyperException) -> None:
    """Print what is wrong, an example of the command, and where its help is."""
    print_error(error, text=describe_usage_error(error))
    context = getattr(error, "ctx", None)
    if context is None:
        return
    examples = describe_command(context.command).examples
    if examples and not hasattr(context.command, "commands"):
        print_message(f"Example: {escape(examples[0])}")
    print_message(f"See `{escape(context.command_path)} --help`.")


def refuse_empty_words(words: Sequence[str], parameters: Iterable[Any]) -> None:
    """Refuse an empty word where a file is expected: it would mean the current folder.

    The usual cause is a variable of the shell that is not set, as in `cartoonize image "$PHOTO" out/`.

    Raises:
        CartoonizeError: there is one. Options that take text may be empty.
    """
    options = {name: option for option in parameters for name in option.opts if name.startswith("-")}
    for previous, word in pairwise(("", *words)):
        if word:
            continue
        option = options.get(previous)
        if option is None or option.is_flag:
            raise CartoonizeError("The name of a file is empty; perhaps a variable of the shell is not set.")
        if option.type_descriptor.annotation in (Path, list[Path]) or previous in _TEXT_THAT_NAMES_FILES:
            raise CartoonizeError(f"{previous} is empty; perhaps a variable of the shell is not set.")


def describe_usage_error(error: TyperException) -> str:
    """Describe what is wrong, in a sentence or two."""
    name = getattr(error, "option_name", None)
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    if name is not None and context is not None:
        return _describe_unknown_option(name, context)
    if parameter is not None:
        return _describe_bad_value(error, parameter)
    message = error.format_message()
    if context is not None and (unknown := re.fullmatch(r"No such command '(.*)'\.", message)):
        return _describe_unknown_command(unknown[1], context)
    if context is not None and (extra := re.fullmatch(r"Got unexpected extra argument\S* \((.*)\)", message)):
        return f"There is no place for {extra[1]} in `{usage_of(context.command, context.command_path)}`."
    message = message.replace("No such command", "There is no command")
    return message if message.endswith("?") else f"{message.rstrip('.')}."


def _describe_unknown_option(name: str, context: Any) -> str:
    parameters = context.command.get_params(context)
    known = [word for parameter in parameters for word in (*parameter.opts, *parameter.secondary_opts)]
    if name in known:
        option = next(item for item in parameters if name in (*item.opts, *item.secondary_opts))
        return f"{name} takes no value." if option.is_flag else f"{name} needs a value: {name_of(option)}."
    arguments = [parameter for parameter in parameters if parameter.param_type_name == "argument"]
    if name in _FILES_OF_OTHERS and arguments:
        files = " ".join(map(name_of, arguments))
        return f"There is no option {name}: files need no option. Name them in the order {files}."
    if (file := _file_that_begins_with_a_hyphen(name)) is not None:
        return f"There is no option {name}. If you mean the file {file}, write ./{file}."
    return f"There is no option {name}.{did_you_mean(name, known)}"


def _file_that_begins_with_a_hyphen(option: str) -> str | None:
    """The first such word of the command line that exists; of `-dash.mp4` the parser names only `-d`."""
    return next((word for word in sys.argv[1:] if word.startswith(option) and Path(word).exists()), None)


def _describe_unknown_command(name: str, context: Any) -> str:
    """For a word that is similar to no command; Typer suggests those that are."""
    if f"--{name}" in [word for parameter in context.command.params for word in parameter.opts]:
        return f"There is no command {name!r}. Did you mean --{name}?"
    commands = list(context.command.commands)
    choices = f": choose {join_words(commands)}" if len(commands) <= _LISTED else ""
    return f"There is no command {name!r}{choices}."


def _describe_bad_value(error: TyperException, parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    name = max(parameter.opts, key=len) if is_option else name_of(parameter)
    if not error.message:
        sentence = (parameter.help or "").partition(". ")[0].rstrip(".")
        is_short = len(sentence) <= _SHORT
        return f"{name} is missing{f': {sentence[:1].lower()}{sentence[1:]}' if is_short else ''}."
    value = _given_value(error)
    choices = [str(choice) for choice in parameter.type_descriptor.choices or ()]
    if choices:
        nearest = did_you_mean(value, choices)
        return f"{value!r} is not possible for {name}: choose {join_words(choices)}.{nearest}"
    kind = {int: "a whole number", float: "a number"}.get(parameter.type_descriptor.annotation)
    if kind is None:
        return f"{name}: {error.message.rstrip('.')}."
    expected = ", ".join(filter(None, (kind, limits_of(parameter))))
    return f"{value!r} is not possible for {name}: write {expected}."


def _given_value(error: TyperException) -> str:
    """The word that was refused: the cause is an error of pydantic, which checks values for Typer."""
    details: list[Any] = getattr(error.__cause__, "errors", list)()
    return str(details[0]["input"]) if details else ""
