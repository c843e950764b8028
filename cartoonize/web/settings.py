"""The settings of a conversion, as the page and programs send them."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec

from ..core.choices import COMPARE, DETAILS, Compare, Detail
from ..core.errors import MediaError, ModelError
from ..core.messages import did_you_mean, join_words
from ..effects.compositing import Retouch
from ..effects.look import Look
from ..styles import DEFAULT, builtin_styles, style_names, user
from ..styles.card import read_header


class ConversionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of `cartoonize video` by the same names; `hold` 2 is --on-twos, 3 --on-threes."""

    style: str = DEFAULT
    detail: Detail = "normal"
    strength: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    keep_colour: bool = False
    hold: Literal[1, 2, 3] = 1
    compare: Compare | None = None

    def look(self) -> Look:
        """The effects."""
        return Look(hold=self.hold, retouch=Retouch(self.strength, self.keep_colour, self.compare))

    def check_style(self) -> None:
        """Refuse a style that is not named, such as a path to a file.

        Raises:
            ModelError: there is no such style.
        """
        names = style_names()
        if self.style not in names:
            raise ModelError(
                f"There is no style {self.style[:80]!r}; the styles are {', '.join(names)}."
                f"{did_you_mean(self.style[:80], names)}"
            )


_EXPECTED = {
    "style": "the name of a style, such as pepper",
    "detail": join_words(DETAILS),
    "strength": "a number from 0 to 1, such as 0.5",
    "keep_colour": "true or false",
    "hold": "1, 2 or 3; 2 is one drawing for two frames of film",
    "compare": f"{join_words(COMPARE)}, or leave it out",
}
"""The expected value of each setting, in words."""


def read_settings(entries: Mapping[str, Any]) -> ConversionSettings:
    """Read settings from JSON, or from the fields of a form, where all values are text.

    Raises:
        MediaError: a name or a value is unknown, as the message says.
        ModelError: there is no such style.
    """
    try:
        settings = msgspec.convert(entries, ConversionSettings, strict=False)
    except msgspec.ValidationError as error:
        raise MediaError(_describe_error(str(error), entries)) from error
    settings.look()  # refuses what is no number
    settings.check_style()
    return settings


def _describe_error(error: str, entries: Mapping[str, Any]) -> str:
    """A sentence that names the setting, what was sent, and what is expected, for an error of msgspec."""
    unknown = next((str(name)[:80] for name in entries if name not in _EXPECTED), None)
    if unknown is not None and "unknown field" in error:
        suggestion = did_you_mean(unknown, _EXPECTED)
        return f"There is no setting {unknown!r}: the settings are {', '.join(_EXPECTED)}.{suggestion}"
    path = re.search(r"`\$\.(\w+)", error)
    if path is None or path[1] not in _EXPECTED:
        expected = ", ".join(f"{name} is {text}" for name, text in _EXPECTED.items())
        return f"The settings are malformed: {expected}."
    value = entries.get(path[1])
    suggestion = did_you_mean(value[:80], DETAILS + COMPARE) if isinstance(value, str) else ""
    return f"The setting {path[1]} cannot be {str(value)[:80]!r}: send {_EXPECTED[path[1]]}.{suggestion}"


class StyleChoice(msgspec.Struct, frozen=True):
    """A style to choose: its name, its look in a few words, its licence, and whether it has a preview."""

    name: str
    summary: str
    licence: str
    has_preview: bool


def list_styles() -> list[StyleChoice]:
    """The built-in styles, and those that the user added."""
    choices = []
    for name, path in builtin_styles().items():
        card = read_header(path).card
        choices.append(StyleChoice(name, card.summary, card.licence, path.with_suffix(".webp").is_file()))
    for name in style_names()[len(choices) :]:
        with suppress(ModelError):  # `cartoonize styles` says what is wrong with it
            choices.append(StyleChoice(name, "your own style", user.read_record(name).licence, False))
    return choices
