"""Writes a look as a TOML file that recipes can use as their base."""

import json
from pathlib import Path

import msgspec

from ...core.atomic import AtomicFile
from ...styles.card import to_printable
from ..errors import disk_errors
from ..recipe import TargetLook
from .measured_look import MeasuredLook
from .settings import target_look

_EFFECTS = {
    "smoothing": "higher: flatter fills, but less of mist, clouds and faces in shadow",
    "borders": "how much smoothing keeps of the borders of large areas, 0 to 1",
    "detail": "contrast of woods and meadows, 0 (one colour) to 1",
    "faint": "how much of mist and clouds returns as soft slopes, 0 to 1",
    "line_width": "higher: wider lines",
    "line_darkness": "higher: darker lines; 0 draws none",
    "polish": "as smoothing",
}
"""The settings that change a look most."""


def write_look(path: Path, look: MeasuredLook, *, source: str = "", overwrite: bool = False) -> None:
    """Write the settings of the filters for a look, with the measurements in comments.

    The file is a recipe for `train targets`, and other recipes can use it as their base.

    Raises:
        CartoonizeError: the file exists and may not be replaced, or the disk cannot be written.
    """
    text = describe_in_toml(look, source)
    with disk_errors(), AtomicFile(path, overwrite=overwrite) as pending:
        pending.path.write_text(text, encoding="utf-8")


def describe_in_toml(look: MeasuredLook, source: str = "") -> str:
    """A look as TOML: a recipe like "pepper" with all settings of [look]."""
    of = f" of {to_printable(source)}" if source else ""  # names of files may hold anything
    comments = [f"The look of {look.pictures} pictures{of}, as measured:", ""]
    comments += [f"  {name}: {value}" for name, value in look.rows()]
    header = "".join(f"# {line}".rstrip() + "\n" for line in comments)
    return f'{header}base = "pepper"\n\n[look]\n{format_settings(target_look(look))}'


def format_settings(settings: TargetLook) -> str:
    """Format all settings that have a value as lines of TOML; comments explain what matters most."""
    values = msgspec.to_builtins(settings)
    comments = {name: f"  # {effect}" for name, effect in _EFFECTS.items()}
    return "".join(
        f"{name} = {json.dumps(value)}{comments.get(name, '')}\n"
        for name, value in values.items()
        if value is not None
    )
