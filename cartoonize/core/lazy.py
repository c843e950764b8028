"""Attributes of packages that are imported at their first use, so that `import cartoonize` is fast."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def import_on_use(
    package: str, homes: Mapping[str, str], **computed: Callable[[], Any]
) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package.

    Args:
        package: its `__name__`.
        homes: by the name of each attribute, the module of the package that has it; "module:name" if it has
            another name there.
        computed: functions that return further attributes.
    """

    def get_attribute(name: str) -> Any:
        if name in computed:
            return computed[name]()
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = homes[name].partition(":")
        return getattr(import_module(f".{module}", package), attribute or name)

    return get_attribute
