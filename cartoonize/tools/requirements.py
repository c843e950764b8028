"""What this package needs, by its own metadata, against what is installed."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

# One module, in two distributions that write over each other: either will do, and never both.
_TWINS = {"onnxruntime-gpu": "onnxruntime", "onnxruntime": "onnxruntime-gpu"}
_FOR_DEVELOPERS = {"dev"}


@dataclass(frozen=True, slots=True)
class Need:
    """A package that is needed, the versions that are, and the one that is here; empty if none is."""

    name: str
    versions: str
    here: str
    fits: bool

    @property
    def mending(self) -> str:
        """The command that installs it."""
        return f"pip install '{self.name}{self.versions}'"


def needs(extra: str = "") -> list[Need]:
    """What the package itself needs on this system, or with the name of an extra, what that adds.

    Raises:
        PackageNotFoundError: the package runs from its sources, without being installed.
    """
    return [
        _need(asked) for asked in map(Requirement, requires("cartoonize") or ()) if _applies(asked, extra)
    ]


def extras() -> list[str]:
    """The names of what can be installed beside.

    Raises:
        PackageNotFoundError: as `needs`.
    """
    return sorted(set(metadata("cartoonize").get_all("Provides-Extra") or ()) - _FOR_DEVELOPERS)


def extra_mending(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'cartoonize[{extra}]'"


def installed(name: str) -> str:
    """The version of a distribution that is installed; empty if it is not."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def twins() -> list[str]:
    """Distributions of which one is too many."""
    return [name for name, other in _TWINS.items() if installed(name) and installed(other)]


def _need(asked: Requirement) -> Need:
    here = installed(asked.name) or installed(_TWINS.get(asked.name, asked.name))
    fits = bool(here) and asked.specifier.contains(here, prereleases=True)
    return Need(asked.name, str(asked.specifier), here, fits)


def _applies(asked: Requirement, extra: str) -> bool:
    of_an_extra = asked.marker is not None and "extra" in str(asked.marker)
    return of_an_extra == bool(extra) and (asked.marker is None or asked.marker.evaluate({"extra": extra}))
