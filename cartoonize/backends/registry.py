"""The registry of backends: each module of this folder registers its own by a decorator.

`backends()` imports all of them, so each imports its library only inside functions, or in a submodule of a
package. CONTRIBUTING.md shows how to add a runtime.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from .loaded_backend import LoadedBackend
from .options import RuntimeOptions

Loader = Callable[[Path, str, str, RuntimeOptions], LoadedBackend | None]
"""Loads a style file on a device in a precision; None if it leaves this file to another backend.

It raises ModelError if the file is damaged, and BackendError if the device or precision is not available.
"""
L = TypeVar("L", bound=Callable[..., LoadedBackend | None])


@dataclass(frozen=True, slots=True)
class Registration:
    """A backend, and the styles, devices and options that it accepts.

    Attributes:
        name: of the backend, as in error messages and tests.
        load: the function or class that loads a style.
        suffixes: ends of the file names that it loads; "" stands for all files that no other backend claims.
        devices: kinds of device that it runs on, as "cpu" or "cuda"; none if it computes nothing.
        options: the names of the RuntimeOptions that it accepts.
        styles: names of styles that it loads without a file.
        priority: of backends with the same suffix, the one with the highest priority is tried first.
    """

    name: str
    load: Loader
    suffixes: tuple[str, ...]
    devices: tuple[str, ...]
    options: frozenset[str]
    styles: tuple[str, ...]
    priority: int


FOLDERS = [str(Path(__file__).parent)]
"""The folders whose modules are backends."""
_registered: dict[str, Registration] = {}


def register(
    name: str,
    *,
    suffixes: tuple[str, ...] = (),
    devices: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
    styles: tuple[str, ...] = (),
    priority: int = 0,
) -> Callable[[L], L]:
    """Register a loader, which may be a class; see `Registration` and `Loader`."""

    def decorate(loader: L) -> L:
        _registered[name] = Registration(
            name, loader, suffixes, devices, frozenset(options), styles, priority
        )
        return loader

    return decorate


def backends() -> dict[str, Registration]:
    """Return all backends by name."""
    _import_modules()
    return dict(_registered)


def backends_for(path: Path) -> list[Registration]:
    """Return the backends that may load a file, in the order in which they are tried."""
    name = path.name.lower()
    claims = [
        (max(len(suffix) for suffix in matching), backend.priority, backend)
        for backend in backends().values()
        if (matching := [suffix for suffix in backend.suffixes if name.endswith(suffix)])
    ]
    longest = max(length for length, _, _ in claims)
    best = [(priority, backend) for length, priority, backend in claims if length == longest]
    return [backend for _, backend in sorted(best, key=lambda claim: -claim[0])]


def backend_of_style(name: str) -> Registration | None:
    """Return the backend of a style that has no file, as "null"; None for all others."""
    return next((backend for backend in backends().values() if name in backend.styles), None)


@cache
def _import_modules() -> None:
    for module in pkgutil.iter_modules(FOLDERS):
        import_module(f".{module.name}", __package__)
