"""Groups of options: a dataclass in the signature of a command declares options by its fields.

    @dataclass
    class EncodingOptions:
        crf: Annotated[float | None, typer.Option(help="Constant quality.")] = None

    def video(source: Path, encoding: EncodingOptions) -> None: ...

    app.command()(expand_groups(video))   # cartoonize video --crf 23 in.mp4

Typer builds a command line from a function's signature, and has no groups of its own. Groups may be nested.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass
from functools import wraps
from inspect import Parameter
from typing import Any


def expand_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with each group in its signature replaced by the group's fields, for Typer."""
    parameters = inspect.signature(command).parameters.values()

    @wraps(command)
    def expanded(**values: Any) -> None:
        command(**{parameter.name: _collect(parameter, values) for parameter in parameters})

    options = [option for parameter in parameters for option in _expand(parameter)]
    expanded.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # mypy does not know it
    return expanded


def _expand(parameter: Parameter) -> Iterator[Parameter]:
    """The parameters that stand for one; keyword-only, as those with a default may come before others."""
    if _is_group(parameter):
        for member in _members(parameter):
            yield from _expand(member)
    else:
        yield parameter.replace(kind=Parameter.KEYWORD_ONLY)


def _collect(parameter: Parameter, values: dict[str, Any]) -> Any:
    """The value of a parameter. A group is built from the values of its fields, by keyword."""
    if _is_group(parameter):
        return parameter.annotation(**{field.name: _collect(field, values) for field in _members(parameter)})
    return values[parameter.name]


def _is_group(parameter: Parameter) -> bool:
    return is_dataclass(parameter.annotation)


def _members(group: Parameter) -> Iterable[Parameter]:
    return inspect.signature(group.annotation).parameters.values()
