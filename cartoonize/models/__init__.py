"""The networks: one file per architecture; the file's name is its key.

PyTorch is imported when a network is first used, because shell completion needs the names too.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from ..core.lazy import import_on_use

if TYPE_CHECKING:
    from .generator import FrameModel, Generator
    from .swift import Swift

    ARCHITECTURES: dict[str, type[Generator]]

_CLASSES = {
    "animegan2": "AnimeGAN2",
    "cartoongan": "CartoonGAN",
    "cartoongan_blur": "CartoonGANBlur",
    "swift": "Swift",
}
"""The registry: the name of each architecture, which is also its module, and its class."""
NAMES = tuple(_CLASSES)

_HOMES = {"FrameModel": "generator", "Generator": "generator", "Swift": "swift"}

__all__ = ["ARCHITECTURES", "NAMES", "FrameModel", "Generator", "Swift", "architecture_of"]


def architecture_of(generator: "Generator") -> str:
    """Return the name under which the generator's class is registered."""
    return next(name for name, architecture in _architectures().items() if type(generator) is architecture)


@cache
def _architectures() -> "dict[str, type[Generator]]":
    return {name: getattr(import_module(f".{name}", __name__), kind) for name, kind in _CLASSES.items()}


__getattr__ = import_on_use(__name__, _HOMES, ARCHITECTURES=_architectures)
