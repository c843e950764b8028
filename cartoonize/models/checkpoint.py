"""Style files: one safetensors file holds the weights, how to build the network, and where it comes from.

The header is JSON text; reading a file runs no code from it. Nothing is allocated for a network whose
tensors are not all in the file with the right shapes, so that a file cannot ask for more memory than it is
long.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError

if TYPE_CHECKING:
    import torch

    from .generator import Generator

FORMAT = "cartoonize/1"
MAX_HEADER = 1 << 20  # bytes; ours are under 20 KB
MAX_CONFIG = 4096  # no width or number of blocks is above this


@dataclass(frozen=True, slots=True)
class Card:
    """What a style says of itself. Licences and credits are sentences for people."""

    name: str = ""
    summary: str = ""
    licence: str = "unknown"
    data: str = "unknown"
    credit: str = "unknown"
    recipe: str = ""
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """The text part of a style file."""

    architecture: str
    config: dict[str, int | str]
    card: Card
    parameters: int


def read_header(path: Path) -> Header:
    """Read what a style file says of itself, without its weights and without torch.

    Raises:
        ModelError: the file cannot be read, is damaged, or is not a style file of this program.
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
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged or not a safetensors file.") from error
    if metadata.get("format") != FORMAT:
        raise ModelError(
            f"{path} is a safetensors file, but not a style of cartoonize (no '{FORMAT}' in its header)."
        )
    try:
        config, card = json.loads(metadata["config"]), json.loads(metadata["card"])
        return Header(metadata["architecture"], _checked_config(config), _card(card), parameters)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"The header of {path} is damaged.") from error


def save_style(path: Path, generator: "Generator", card: Card) -> None:
    """Write a style file with float16 weights; `path` holds the old file or the new one, never a part."""
    import torch
    from safetensors.torch import save_file

    from . import architecture_of

    tensors = {
        name: (value.detach().cpu().half() if value.is_floating_point() else value.cpu()).contiguous()
        for name, value in generator.state_dict().items()
    }
    unsafe = [name for name, value in tensors.items() if not torch.isfinite(value).all()]
    if unsafe:
        raise ModelError(f"Not written to {path}: {', '.join(unsafe)} hold values that are not finite.")
    metadata = {
        "format": FORMAT,
        "architecture": architecture_of(generator),
        "config": json.dumps(generator.config),
        "card": json.dumps(asdict(card), ensure_ascii=False),
    }
    temporary = path.with_name(f".{path.name}.tmp")
    save_file(tensors, temporary, metadata)
    temporary.replace(path)


def load_style(path: Path) -> tuple["Generator", Header]:
    """Build the network of a style file, on the CPU, in float32 and in eval mode.

    Raises:
        ModelError: as `read_header`; or its architecture is unknown, or its tensors do not fit.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from . import ARCHITECTURES

    header = read_header(path)
    if header.architecture not in ARCHITECTURES:
        raise ModelError(
            f"{path} asks for the architecture {header.architecture!r}; this version has "
            f"{', '.join(ARCHITECTURES)}."
        )
    try:
        with torch.device("meta"):
            generator = ARCHITECTURES[header.architecture](**header.config)  # type: ignore[arg-type]
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged: {error}.") from error
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{path} describes a network that cannot be built: {error}.") from error
    wrong = _misfits(generator.state_dict(), tensors)
    if wrong:
        raise ModelError(f"The weights in {path} do not fit its architecture: {', '.join(wrong[:5])}.")
    floats = {name: v.float() if v.is_floating_point() else v for name, v in tensors.items()}
    generator.load_state_dict(floats, assign=True)
    return generator.eval().requires_grad_(requires_grad=False), header


def _misfits(expected: Mapping[str, "torch.Tensor"], found: Mapping[str, "torch.Tensor"]) -> list[str]:
    """Names that only one side has, or whose shapes differ."""
    names = expected.keys() ^ found.keys()
    names |= {n for n in expected.keys() & found.keys() if expected[n].shape != found[n].shape}
    return sorted(names)


def _size(shape: list[int]) -> int:
    size = 1
    for side in shape:
        size *= int(side)
    return size


def _checked_config(config: dict[str, Any]) -> dict[str, int | str]:
    for value in config.values():
        if isinstance(value, int) and not 0 < value <= MAX_CONFIG:
            raise ValueError(value)
        if not isinstance(value, int | str):
            raise TypeError(value)
    return config


def _card(entries: dict[str, Any]) -> Card:
    """A card with the entries that this version knows; others come from newer versions and are left out."""
    known = {entry.name for entry in fields(Card)}
    return Card(**{key: value for key, value in entries.items() if key in known})
