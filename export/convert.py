"""Imports weights of other programs: recognises the network in a file, and converts it to a style.

A network is recognised by the names and shapes of its tensors; each architecture declares how other programs
name its own (see cartoonize/models/). Nothing is allocated for a network but what the file holds: it is built
on the meta device, and every tensor has to fit.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..core.errors import ModelError
from ..models import ARCHITECTURES, Generator, architecture_of
from ..models.checkpoint import has_floats, load_style, save_style
from ..models.dialect import Dialect
from ..models.weights import NamedTensors, read_weights
from ..styles.card import FORMAT, Card
from .checks import check_architecture

LISTED = 5  # keys or misfits in a message


@dataclass(frozen=True, slots=True)
class ImportedNetwork:
    """A network from a file of weights, its name for people, and the card that the file states."""

    title: str
    generator: Generator
    card: Card

    @property
    def description(self) -> str:
        """What it is, with its configuration and number of parameters, in one line."""
        config = ", ".join(f"{key} {value}" for key, value in self.generator.config.items())
        count = sum(parameter.numel() for parameter in self.generator.parameters())
        return f"{self.title}: {architecture_of(self.generator)} ({config}), {count:,} parameters"


def recognise_network(path: Path, architecture: str | None = None) -> ImportedNetwork:
    """Find the network in a file of weights, a training checkpoint, or a style file.

    Args:
        path: a safetensors file, one of PyTorch, or the folder of a training run or phase.
        architecture: the only one to try; None for all.

    Raises:
        ModelError: there is no such architecture, the file cannot be read safely, or no network fits it.
    """
    check_architecture(architecture)
    path = _latest_checkpoint(path) if path.is_dir() else path
    if _is_style(path):
        return _read_style(path, architecture)
    weights = read_weights(path)
    attempts = [
        Attempt(name, dialect, weights) for name, dialect in _dialects() if architecture in (None, name)
    ]
    best = max(attempts, key=lambda attempt: (attempt.fitting, -len(attempt.misfits)))
    title = best.dialect.title
    if not best.fitting:
        raise ModelError(_unknown(path, weights, architecture))
    if best.misfits:
        raise ModelError(
            f"{path} looks like {title} ({best.architecture}), but does not fit: {_join_some(best.misfits)}."
        )
    return ImportedNetwork(title, best.build(), Card(summary=f"Imported: {title}", recipe=_recipe(path)))


def _latest_checkpoint(folder: Path) -> Path:
    """Return the checkpoint that was written last in the folder of a training run, or of one of its phases.

    Raises:
        ModelError: there is none.
    """
    patterns = ("checkpoint-*.pt", "checkpoints/checkpoint-*.pt", "*/checkpoints/checkpoint-*.pt")
    checkpoints = [path for pattern in patterns for path in folder.glob(pattern)]
    if not checkpoints:
        raise ModelError(f"There is no training checkpoint in the folder {folder}.")
    return max(checkpoints, key=lambda path: path.stat().st_mtime)


def write_style(path: Path, network: ImportedNetwork, card: Card, *, overwrite: bool = False) -> None:
    """Write the style file: in float16 if that loses nothing, else in float32.

    Rounding CartoonGAN's to float16 moved pictures by up to 2 grey levels (random weights, 256x256). Where
    instance norm amplifies the output of weak filters, it would move them by more.

    Raises:
        ModelError, MediaError: as `save_style`.
    """
    values = [value for value in network.generator.state_dict().values() if value.is_floating_point()]
    half = all(torch.equal(value.half().float(), value) for value in values)
    save_style(path, network.generator, card, half=half, overwrite=overwrite)


class Attempt:
    """An architecture and a dialect tried on weights: the network that they imply, and what does not fit."""

    def __init__(self, architecture: str, dialect: Dialect, weights: NamedTensors) -> None:
        self.architecture, self.dialect, self.weights = architecture, dialect, weights
        with torch.device("meta"):
            self.generator = ARCHITECTURES[architecture](**self._infer_config())
        expected = {dialect.name_of(name): value for name, value in self.generator.state_dict().items()}
        self.misfits = [f"{name} is missing" for name in expected if name not in weights]
        self.fitting = 0
        for name, value in weights.items():
            misfit = _compare(value, expected.get(name))
            if misfit:
                self.misfits.append(f"{_printable(name)} {misfit}")
            else:
                self.fitting += 1

    def build(self) -> Generator:
        """Return the network with the weights, in float32, for RGB."""
        imported = {name: self.weights[self.dialect.name_of(name)] for name in self.generator.state_dict()}
        weights = {name: v.float() if v.is_floating_point() else v for name, v in imported.items()}
        if self.dialect.bgr:
            layers = self.generator.layers
            weights[f"{layers.first}.weight"] = weights[f"{layers.first}.weight"].flip(1)
            weights |= {
                name: weights[name].flip(0) for name in (f"{layers.last}.weight", f"{layers.last}.bias")
            }
        self.generator.load_state_dict(weights, assign=True)
        return self.generator.eval().requires_grad_(requires_grad=False)

    def _infer_config(self) -> dict[str, int | str]:
        names = self.dialect.names
        if not names:
            return ARCHITECTURES[self.architecture].infer_config(self.weights)
        present = {name: self.weights[other] for name, other in names.items() if other in self.weights}
        config = ARCHITECTURES[self.architecture].infer_config(present)
        config.pop("blocks", None)  # the names are those of the published number
        return config


def _dialects() -> list[tuple[str, Dialect]]:
    """Return each architecture with each of its dialects, those of other programs first."""
    own = Dialect("a network of this program's training")
    others = [(name, dialect) for name, kind in ARCHITECTURES.items() for dialect in kind.dialects]
    return [*others, *((name, own) for name in ARCHITECTURES)]


def _compare(value: Tensor, expected: Tensor | None) -> str:
    """Describe how a tensor of the file differs from the expected one; empty if it fits."""
    if expected is None:
        return "is not part of it"
    if value.shape != expected.shape:
        return f"is {_sides(value)} in place of {_sides(expected)}"
    if has_floats(value) != has_floats(expected):
        return f"holds {value.dtype} in place of {expected.dtype}"
    return ""


def _sides(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _is_style(path: Path) -> bool:
    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False


def _read_style(path: Path, architecture: str | None) -> ImportedNetwork:
    generator, header = load_style(path)
    if architecture not in (None, header.architecture):
        raise ModelError(f"{path} is a style file of {header.architecture}, not of {architecture}.")
    return ImportedNetwork("a style file", generator, header.card)


def _recipe(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"cartoonize import-weights {path.name} (SHA-256 {digest})"


def _unknown(path: Path, weights: NamedTensors, architecture: str | None) -> str:
    known = architecture or "known network (" + ", ".join(ARCHITECTURES) + ")"
    keys = _join_some([f"{_printable(name)} ({_sides(value)})" for name, value in weights.items()])
    return f"{path} holds no {known}: its keys are {keys}."


def _join_some(items: list[str]) -> str:
    more = f" and {len(items) - LISTED} more" if len(items) > LISTED else ""
    return ", ".join(items[:LISTED]) + more


def _printable(name: str) -> str:
    """Return the text of a stranger, short and without control characters that a terminal would obey."""
    return ascii(name)[1:-1][:80]
