"""What shells offer when people press Tab: words from lists, looked up without importing anything heavy."""

from collections.abc import Callable, Iterable
from typing import get_args

from .. import styles
from ..core import choices
from ..core.containers import FORMAT_NAMES
from ..models import NAMES
from ..styles import user

Complete = Callable[[], list[str]]


def words(known: Iterable[str]) -> Complete:
    """A callback of Typer's that offers these; Typer leaves out those that do not begin as what is typed."""
    offered = list(known)
    return lambda: offered


def style_names() -> list[str]:
    """The built-in styles and one's own; where none fits, shells offer files."""
    return styles.style_names()


def own_styles() -> list[str]:
    """The styles that can be removed."""
    return user.names()


devices = words(choices.DEVICES)
precisions = words(get_args(choices.Precision))
providers = words(get_args(choices.ProviderName))
ranges = words(get_args(choices.InputRange))
orders = words(get_args(choices.ChannelOrder))
hdr = words(choices.HDR)
details = words(choices.DETAILS)
compare = words(choices.COMPARE)
encoders = words(choices.ENCODERS)
x264_presets = words(choices.X264_PRESETS)
formats = words(FORMAT_NAMES)
models = words(NAMES)
