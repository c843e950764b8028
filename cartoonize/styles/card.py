"""The card of a style, read without torch from the JSON header of its safetensors file."""

import json
import math
import os
import struct
import sys
from dataclasses import dataclass, field, fields
from hashlib import file_digest
from pathlib import Path
from typing import Any

from ..core.atomic import AtomicFile
from ..core.errors import ModelError
from ..core.messages import is_special_file, missing_file_message

FORMAT = "cartoonize/1"
UNKNOWN = "unknown"  # shown to people in this form
MAX_HEADER = 1 << 20  # bytes; ours are under 20 KB
MAX_CONFIG = 4096  # largest width
MAX_DIMENSIONS = 8  # of a tensor
_MALFORMED = (
    struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """The card in a style file. Licences and credits are sentences for people."""

    name: str = ""
    summary: str = ""
    licence: str = UNKNOWN
    data: str = UNKNOWN
    credit: str = UNKNOWN
    recipe: str = ""
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a style file.

    `int8_sha256` is the hash of the int8 file that was exported from these weights; empty without one.
    """

    architecture: str
    config: dict[str, int | str]
    card: Card
    parameters: int
    int8_sha256: str = ""

    @property
    def network(self) -> str:
        """The architecture and its width, for people."""
        return f"{self.architecture} {self.config.get('width', '')}".strip()


def read_header(path: Path) -> Header:
    """Read the header of a style file, without its weights and without torch.

    Raises:
        ModelError: the file cannot be read, is damaged, or is not a style file of cartoonize.
    """
    entries, size = _read_entries(path)
    metadata = entries.pop("__metadata__", {})
    try:
        parameters = sum(_count_numbers(entry["shape"]) for entry in entries.values())
        if parameters > size:  # a number takes a byte at least
            raise ValueError(parameters)
    except _MALFORMED as error:
        raise _damage(path) from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelError(
            f"{path} is a safetensors file, but not a style of cartoonize (no '{FORMAT}' in its header)."
        )
    try:
        config, card = json.loads(metadata["config"]), json.loads(metadata["card"])
        return Header(
            to_printable(str(metadata["architecture"])),
            _checked_config(config, tensors=len(entries)),
            _card(card),
            parameters,
            str(metadata.get("int8_sha256", "")),
        )
    except _MALFORMED as error:
        raise ModelError(f"The header of {path} is damaged.") from error


def int8_path(style: Path) -> Path:
    """Return where the int8 file of a style file is expected."""
    return style.with_name(f"{style.stem}.int8.onnx")


def set_int8_file(path: Path, sha256: str) -> None:
    """Name the int8 file of a style in the header of the style file, by its hash.

    The weights stay the same to the byte. A new training result has a new header, which names no int8 file.

    Raises:
        ModelError: as `read_header`.
        MediaError: the file cannot be written.
    """
    entries, _ = _read_entries(path)
    entries["__metadata__"]["int8_sha256"] = sha256
    with AtomicFile(path, overwrite=True) as pending:
        pending.path.write_bytes(with_header(path.read_bytes(), entries))


def with_header(data: bytes, entries: dict[str, Any] | None = None) -> bytes:
    """Write the header of a safetensors file, given as bytes, again: with its own entries, or others.

    safetensors writes the metadata in a random order; sorted, the same style is the same file.
    """
    (length,) = struct.unpack_from("<Q", data)
    entries = json.loads(data[8 : 8 + length]) if entries is None else entries
    entries["__metadata__"] = dict(sorted(entries["__metadata__"].items()))
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the weights begin at a multiple of 8 bytes
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


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
        raise _damage(path) from error


def to_printable(text: str) -> str:
    """Replace control characters of terminals by spaces, such as escapes and marks of direction."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _damage(path: Path) -> ModelError:
    return ModelError(f"{path} is damaged or not a safetensors file; copy or download it again.")


def _read_entries(path: Path) -> tuple[dict[str, Any], int]:
    """Read the JSON object in a header; also return the size of the file in bytes."""
    if is_special_file(path):
        raise ModelError(missing_file_message(path))
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER:
                raise ModelError(f"{path} is not a style file: its header is too long.")
            entries = json.loads(file.read(length))
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise ModelError(f"Cannot read the style file {path}: {error.strerror}.") from error
    except _MALFORMED as error:
        raise _damage(path) from error
    if not isinstance(entries, dict):
        raise _damage(path)
    return entries, size


def _count_numbers(shape: list[int]) -> int:
    """The number of elements of a tensor, whose shape a stranger may have written."""
    if len(shape) > MAX_DIMENSIONS or not all(
        type(side) is int and 0 <= side <= sys.maxsize for side in shape
    ):
        raise ValueError(len(shape))
    return math.prod(shape)


def _checked_config(config: dict[str, Any], *, tensors: int) -> dict[str, int | str]:
    """Check what a network is built of. Each block has a tensor at least, so that blocks cost no more time
    and memory than the file has bytes."""
    if config.get("blocks", 0) > tensors:
        raise ValueError(tensors)
    for key, value in config.items():
        if not f"{key}{value}".isprintable():
            raise ValueError(key)
        if isinstance(value, int) and not 0 < value <= MAX_CONFIG:
            raise ValueError(value)
        if not isinstance(value, int | str) or isinstance(value, bool):
            raise TypeError(value)
    return config


def _card(entries: dict[str, Any]) -> Card:
    """Make a card of the entries that this version knows. Newer versions may write others."""
    kinds = {entry.name: dict if entry.name == "figures" else str for entry in fields(Card)}
    known = {key: value for key, value in entries.items() if key in kinds}
    mistyped = [key for key, value in known.items() if not isinstance(value, kinds[key])]
    if mistyped:
        raise TypeError(mistyped)
    known = {key: to_printable(value) if isinstance(value, str) else value for key, value in known.items()}
    if "recipe" in known:  # a command in each line
        known["recipe"] = "\n".join(map(to_printable, entries["recipe"].split("\n")))
    known["figures"] = {
        to_printable(str(key)): float(value) for key, value in known.get("figures", {}).items()
    }
    return Card(**known)
