"""The packages that cartoonize needs, by its own metadata, and whether they are installed."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

# Two distributions of one module: either satisfies the requirement, but both together overwrite each other.
_ALTERNATIVES = {"onnxruntime-gpu": "onnxruntime", "onnxruntime": "onnxruntime-gpu"}
_DEVELOPER_EXTRAS = {"dev", "docs"}


@dataclass(frozen=True, slots=True)
class RequiredPackage:
    """A package that cartoonize needs.

    `versions` are those that it needs, as in ">=2.0"; `installed` is the version found, empty if missing.
    """

    name: str
    versions: str
    installed: str
    satisfied: bool

    @property
    def install_command(self) -> str:
        return f'pip install "{self.name}{self.versions}"'


def check_requirements(extra: str = "") -> list[RequiredPackage]:
    """The packages that cartoonize needs on this system; with the name of an extra, those that it adds.

    Raises:
        PackageNotFoundError: cartoonize runs from its sources, without being installed.
    """
    requirements = map(Requirement, requires("cartoonize") or ())
    return [_check(requirement) for requirement in requirements if _applies(requirement, extra)]


def extras() -> list[str]:
    """The names of the extras for users, sorted.

    Raises:
        PackageNotFoundError: as `check_requirements`.
    """
    return sorted(set(metadata("cartoonize").get_all("Provides-Extra") or ()) - _DEVELOPER_EXTRAS)


def extra_install_command(extra: str) -> str:
    return f'pip install "cartoonize[{extra}]"'


def installed_version(name: str) -> str:
    """The installed version of a package; empty if it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def conflicting_packages() -> list[str]:
    """Installed packages that overwrite each other; empty if there are none."""
    return [
        name
        for name, alternative in _ALTERNATIVES.items()
        if installed_version(name) and installed_version(alternative)
    ]


def _check(requirement: Requirement) -> RequiredPackage:
    alternative = _ALTERNATIVES.get(requirement.name, requirement.name)
    installed = installed_version(requirement.name) or installed_version(alternative)
    satisfied = bool(installed) and requirement.specifier.contains(installed, prereleases=True)
    return RequiredPackage(requirement.name, str(requirement.specifier), installed, satisfied)


def _applies(requirement: Requirement, extra: str) -> bool:
    """Whether a requirement is for this system, and for the extra; "" is cartoonize itself."""
    marker = requirement.marker
    of_an_extra = marker is not None and "extra" in str(marker)
    return of_an_extra == bool(extra) and (marker is None or marker.evaluate({"extra": extra}))
