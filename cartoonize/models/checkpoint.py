"""Style files: one safetensors file with the weights, how to build the network, and where it comes from.

The header is JSON text; reading a file runs no code from it. A network is built only if the file has all its
tensors in the right shapes, so that the memory it takes depends on the length of the file only.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import AtomicFile
from ..core.errors import ModelError, WriteError
from ..styles.card import FORMAT, Card, Header, read_header, with_header

if TYPE_CHECKING:
    import torch

    from .generator import Generator

_FLOATS = ("torch.float16", "torch.bfloat16", "torch.float32", "torch.float64")


def save_style(
    path: Path,
    generator: "Generator",
    card: Card,
    *,
    half: bool = True,
    overwrite: bool = True,
    sources: Iterable[Path] = (),
) -> None:
    """Write a style file with weights in float16, or in float32 if not `half`.

    At any time `path` is the old file or the new one, never a part of one. It must be none of `sources`.

    Raises:
        ModelError: weights are not finite, or too large for float16.
        MediaError: `path` exists and may not be overwritten, or cannot be written.
    """
    tensors = {name: value.detach().cpu() for name, value in generator.state_dict().items()}
    if half:
        tensors = {name: v.half() if v.is_floating_point() else v for name, v in tensors.items()}
    unsafe = _not_finite(tensors)
    if unsafe:
        raise ModelError(f"Not written to {path}: {', '.join(unsafe)} hold values that are not finite.")
    _write(path, generator, tensors, card, overwrite=overwrite, sources=sources)


def write_card(path: Path, card: Card) -> None:
    """Replace the card of a style file; its weights stay as they are.

    Raises:
        ModelError: as `load_style`.
        MediaError: as `save_style`.
    """
    generator, tensors, header = _read(path)
    _write(path, generator, tensors, card, overwrite=True, int8_sha256=header.int8_sha256)


def load_style(path: Path) -> tuple["Generator", Header]:
    """Load the network of a style file, on the CPU, in float32 and in eval mode.

    Raises:
        ModelError: as `read_header`; or its architecture is unknown; or its tensors do not fit, or are not
            finite, so that the network would draw empty pictures.
    """
    generator, tensors, header = _read(path)
    floats = {name: v.float() if v.is_floating_point() else v for name, v in tensors.items()}
    broken = sorted(_not_finite(floats))
    if broken:
        raise ModelError(f"The weights in {path} contain NaN or infinity: {', '.join(broken[:5])}.")
    generator.load_state_dict(floats, assign=True)
    return generator.eval().requires_grad_(requires_grad=False), header


def _write(
    path: Path,
    generator: "Generator",
    tensors: dict[str, "torch.Tensor"],
    card: Card,
    *,
    overwrite: bool,
    sources: Iterable[Path] = (),
    int8_sha256: str = "",
) -> None:
    from safetensors.torch import save

    from . import architecture_of

    metadata = {
        "format": FORMAT,
        "architecture": architecture_of(generator),
        "config": json.dumps(generator.config),
        "card": json.dumps(asdict(card), ensure_ascii=False),
    } | ({"int8_sha256": int8_sha256} if int8_sha256 else {})
    packed = save({name: value.contiguous() for name, value in tensors.items()}, metadata)
    with AtomicFile(path, overwrite=overwrite, sources=sources) as pending:
        try:
            pending.path.write_bytes(with_header(packed))
        except OSError as error:
            raise WriteError.from_os_error(path, error) from error


def _read(path: Path) -> tuple["Generator", dict[str, "torch.Tensor"], Header]:
    """Return the network of a style file without weights, its weights as they are stored, and its header."""
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
            generator = ARCHITECTURES[header.architecture](**header.config)
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged: {error}.") from error
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{path} describes a network that cannot be built: {error}.") from error
    misfits = _misfits(generator.state_dict(), tensors)
    if misfits:
        raise ModelError(f"The weights in {path} do not fit its architecture: {', '.join(misfits[:5])}.")
    return generator, tensors, header


def _not_finite(tensors: Mapping[str, "torch.Tensor"]) -> list[str]:
    """Return the names of the tensors that contain NaN or infinity."""
    return [name for name, value in tensors.items() if not value.isfinite().all()]


def _misfits(expected: Mapping[str, "torch.Tensor"], tensors: Mapping[str, "torch.Tensor"]) -> list[str]:
    """Return the names that only one side has, or whose shapes or kinds of number differ."""
    names = expected.keys() ^ tensors.keys()
    for name in expected.keys() & tensors.keys():
        wanted, stored = expected[name], tensors[name]
        if (wanted.shape, has_floats(wanted)) != (stored.shape, has_floats(stored)):
            names.add(name)
    return sorted(names)


def has_floats(tensor: "torch.Tensor") -> bool:
    """Whether a tensor holds floats that networks compute with; PyTorch only stores those below 16 bits."""
    return str(tensor.dtype) in _FLOATS
