"""Completion: the words that shells offer at the Tab key. Nothing heavy is imported for it.

Options whose type is a Literal need none of this: Typer completes them.
"""

from collections.abc import Callable, Iterable

from .. import styles
from ..core import choices
from ..core.containers import FORMAT_NAMES
from ..models import NAMES
from ..styles import user

Complete = Callable[[], list[str]]


def words(known: Iterable[str]) -> Complete:
    """A callback that offers all words; Typer keeps those that begin with what was typed."""
    offered = list(known)
    return lambda: offered


def style_names() -> list[str]:
    """The built-in styles and the user's own; where none matches, shells offer files."""
    return styles.style_names()


def own_styles() -> list[str]:
    """The styles that `styles remove` accepts."""
    return user.names()


devices = words((*choices.DEVICES, *choices.VENDORS))
encoders = words(choices.ENCODERS)
x264_presets = words(choices.X264_PRESETS)
formats = words(FORMAT_NAMES)
models = words(NAMES)
