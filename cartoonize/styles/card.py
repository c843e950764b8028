"""The card of a style, read without torch from the JSON header of its safetensors file."""

import json
import struct
from dataclasses import dataclass, field, fields
from hashlib import file_digest
from pathlib import Path
from typing import Any

from ..core.errors import ModelError

FORMAT = "cartoonize/1"
UNKNOWN = "unknown"  # shown to people in this form
MAX_HEADER = 1 << 20  # bytes; ours are under 20 KB
MAX_CONFIG = 4096  # largest width or number of blocks
_MALFORMED = (
    struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """What a style file states about itself. Licences and credits are sentences for people."""

    name: str = ""
    summary: str = ""
    licence: str = UNKNOWN
    data: str = UNKNOWN
    credit: str = UNKNOWN
    recipe: str = ""
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a style file."""

    architecture: str
    config: dict[str, int | str]
    card: Card
    parameters: int

    @property
    def network(self) -> str:
        """The architecture and its width, for people."""
        return f"{self.architecture} {self.config.get('width', '')}".strip()


def read_header(path: Path) -> Header:
    """Read the header of a style file, without its weights and without torch.

    Raises:
        ModelError: the file cannot be read, is damaged, or is not a style file of cartoonize.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER:
                raise ModelError(f"{path} is not a style file: its header is too long.")
            text = file.read(length)
        entries = json.loads(text)
        metadata = entries.pop("__metadata__", {})
        parameters = sum(_size(entry["shape"]) for entry in entries.values())
    except OSError as error:
        raise ModelError(f"Cannot read the style file {path}: {error.strerror}.") from error
    except _MALFORMED as error:
        raise ModelError(f"{path} is damaged or not a safetensors file.") from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelError(
            f"{path} is a safetensors file, but not a style of cartoonize (no '{FORMAT}' in its header)."
        )
    try:
        config, card = json.loads(metadata["config"]), json.loads(metadata["card"])
        return Header(
            to_printable(str(metadata["architecture"])), _checked_config(config), _card(card), parameters
        )
    except _MALFORMED as error:
        raise ModelError(f"The header of {path} is damaged.") from error


def weights_sha256(path: Path) -> str:
    """Hash a style file's weights; the hash stays the same when the card is rewritten.

    Raises:
        ModelError: the file cannot be read, or is damaged.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            file.seek(8 + min(length, MAX_HEADER))
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"Cannot read the style file {path}: {error.strerror}.") from error
    except struct.error as error:
        raise ModelError(f"{path} is damaged or not a safetensors file.") from error


def to_printable(text: str) -> str:
    """Replace by spaces what a terminal would obey in a text, such as escapes and marks of direction."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _size(shape: list[int]) -> int:
    size = 1
    for side in shape:
        size *= int(side)
    return size


def _checked_config(config: dict[str, Any]) -> dict[str, int | str]:
    for key, value in config.items():
        if not f"{key}{value}".isprintable():
            raise ValueError(key)
        if isinstance(value, int) and not 0 < value <= MAX_CONFIG:
            raise ValueError(value)
        if not isinstance(value, int | str):
            raise TypeError(value)
    return config


def _card(entries: dict[str, Any]) -> Card:
    """Make a card of the entries that this version knows. Newer versions may write others."""
    kinds = {entry.name: dict if entry.name == "figures" else str for entry in fields(Card)}
    known = {key: value for key, value in entries.items() if key in kinds}
    wrong = [key for key, value in known.items() if not isinstance(value, kinds[key])]
    if wrong:
        raise TypeError(wrong)
    known = {key: to_printable(value) if isinstance(value, str) else value for key, value in known.items()}
    known["figures"] = {
        to_printable(str(key)): float(value) for key, value in known.get("figures", {}).items()
    }
    return Card(**known)
