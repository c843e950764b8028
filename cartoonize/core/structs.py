"""Typed values from JSON and TOML files: msgspec checks them, and its errors become sentences for users."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import msgspec

from .messages import did_you_mean

T = TypeVar("T")

_MESSAGE = re.compile(r"(?P<reason>.*?)(?: - at `(?P<place>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*)`")


def build(target: type[T], values: Mapping[str, Any]) -> T:
    """Build a struct or dataclass `target` from the values of a JSON or TOML file.

    A struct decides itself whether it takes unknown keys (`forbid_unknown_fields`); a dataclass takes none.

    Raises:
        ValueError: a key is unknown or missing, or a value has another type than the field; the message
            names the place, as in "weights.pixel: expected float, got str."
    """
    if is_dataclass(target) and isinstance(values, Mapping):
        known = [entry.name for entry in fields(target)]
        for key in values:
            if key not in known:
                raise ValueError(_unknown_key(key, known))
    try:
        return msgspec.convert(values, target)
    except msgspec.ValidationError as error:
        raise ValueError(_describe(str(error), target)) from error


def _describe(message: str, target: Any) -> str:
    """Rewrite msgspec's "Expected `float`, got `str` - at `$.weights.pixel`" with the place first."""
    match = _MESSAGE.fullmatch(message)
    assert match  # any text matches
    path = (match["place"] or "$").removeprefix("$").removeprefix(".")
    unknown = _UNKNOWN.fullmatch(match["reason"])
    if unknown:
        reason = _unknown_key(unknown["key"], _keys(target, path))
    else:
        reason = match["reason"].replace("`", "").removeprefix("Object ")
        reason = f"{reason[:1].lower()}{reason[1:]}."
    return f"{path}: {reason}" if path else reason


def _unknown_key(key: str, known: list[str]) -> str:
    choices = f"; the keys are {', '.join(known)}" if known else ""
    return f"unknown key {key!r}{choices}.{did_you_mean(key, known)}"


def _keys(target: Any, path: str) -> list[str]:
    """The keys of the struct at `path` within `target`; none if a list or a mapping is on the path."""
    node = msgspec.inspect.type_info(target)
    for name in filter(None, path.split(".")):
        inner = {field.name: field.type for field in getattr(node, "fields", ())}.get(name)
        options = inner.types if isinstance(inner, msgspec.inspect.UnionType) else (inner,)
        node = next((option for option in options if hasattr(option, "fields")), None)  # type: ignore[assignment]
    return [field.encode_name for field in getattr(node, "fields", ())]
