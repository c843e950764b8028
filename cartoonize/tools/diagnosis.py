"""The findings of `cartoonize doctor`, as `--json` prints them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import CartoonizeError


class Problem(NamedTuple):
    """A problem, and the command that repairs it; empty if none is known."""

    text: str
    command: str


@dataclass(slots=True)
class Diagnosis:
    """The findings, in JSON's types. They contain neither the user's name nor a path that reveals it.

    Scripts and bug reports rely on the keys: new ones may be added, but none renamed.

    Attributes:
        versions: of cartoonize, Python, the system and FFmpeg.
        packages: the packages that cartoonize needs, and their installed versions; empty if missing.
        extras: for each extra, the packages that are missing.
        cpu: its name, cores, features, and the precision that "auto" selects.
        gpus: for each GPU of PyTorch its device, name, memory and free memory in bytes, capability and
            precision.
        vulkan: for each device of Vulkan its number, name, kind, vendor, free memory in bytes, and whether it
            stores numbers in fp16; devices of the kind "software" are not GPUs.
        decoders: whether FFmpeg has a decoder.
        encoders: whether FFmpeg has an encoder; one in hardware counts only if it opens on this machine.
        backends: a line for each runtime.
        folders: for each folder its path (not of the current one), free bytes, and whether it is writable.
        styles: the number of the user's own styles, and how many of them are unusable.
        conversion: a small picture, converted in the default style: whether that worked, and how.
        problems: what is wrong.
    """

    versions: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    extras: dict[str, list[str]] = field(default_factory=dict)
    cpu: dict[str, Any] = field(default_factory=dict)
    gpus: list[dict[str, Any]] = field(default_factory=list)
    vulkan: list[dict[str, Any]] = field(default_factory=list)
    decoders: dict[str, bool] = field(default_factory=dict)
    encoders: dict[str, bool] = field(default_factory=dict)
    backends: dict[str, str] = field(default_factory=dict)
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    styles: dict[str, int] = field(default_factory=dict)
    conversion: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def converts(self) -> bool:
        """Whether a picture could be converted in the default style."""
        return bool(self.conversion.get("ok"))

    def report(self, text: str, command: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(text, command))


def describe_error(error: Exception) -> str:
    """Describe an error of a broken installation, without the user's home folder."""
    return hide_home(str(error) if isinstance(error, CartoonizeError) else f"{type(error).__name__}: {error}")


def hide_home(text: str) -> str:
    """The text with ~ in place of the user's home folder, which mostly has the user's name."""
    home = Path.home()
    return text if home == Path(home.anchor) else text.replace(str(home), "~")
