"""Weights that people already have -> ours; the only place that knows how others name their layers.

A network is recognised by the names and shapes of its tensors. Nothing is allocated for it but what the file
holds: the network that the shapes tell of is built on the meta device, and every tensor has to fit.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..core.choices import did_you_mean
from ..core.errors import ModelError
from ..models import ARCHITECTURES, Generator, architecture_of
from ..models.checkpoint import Card, load_style, save_style
from ..styles.card import FORMAT, MAX_CONFIG
from .weights import Weights, newest_checkpoint, read_weights

# Of each architecture the tensor that has `width` outputs, and where its `blocks` are numbered.
LAYOUT = {
    "animegan2": ("down1.0.conv.weight", "residuals."),
    "cartoongan": ("flat.0.weight", "residuals."),
    "cartoongan_blur": ("flat.0.weight", "residuals."),
    "swift": ("head.weight", "body."),
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a kind of file names the tensors of an architecture: ours -> theirs, or all as we do.

    Networks that take and give blue, green and red are `bgr`; they are turned into ours by swapping the
    channels of the first and the last convolution.
    """

    title: str
    architecture: str
    names: Mapping[str, str] = field(default_factory=dict)
    bgr: bool = False

    def theirs(self, name: str) -> str:
        """Their name of a tensor of ours."""
        return self.names.get(name, name)


@dataclass(frozen=True, slots=True)
class Found:
    """A network found in a file, what it is in words, and what the file says of itself."""

    title: str
    generator: Generator
    card: Card

    @property
    def description(self) -> str:
        """What it is, with its settings and parameters, in a line."""
        config = ", ".join(f"{key} {value}" for key, value in self.generator.config.items())
        count = sum(parameter.numel() for parameter in self.generator.parameters())
        return f"{self.title}: {architecture_of(self.generator)} ({config}), {count:,} parameters"


def recognise(path: Path, architecture: str | None = None) -> Found:
    """Find the network in a file of weights, a training checkpoint, or a style file.

    Args:
        path: a safetensors file, one of PyTorch, or the folder of a training run or phase.
        architecture: the only one to try; all, if None.

    Raises:
        ModelError: there is no such architecture, the file cannot be read safely, or no network fits it.
    """
    if architecture is not None and architecture not in ARCHITECTURES:
        raise ModelError(
            f"There is no architecture {architecture!r}: choose {', '.join(ARCHITECTURES)}."
            f"{did_you_mean(architecture, ARCHITECTURES)}"
        )
    path = newest_checkpoint(path) if path.is_dir() else path
    if _is_style(path):
        return _restyle(path, architecture)
    weights = read_weights(path)
    attempts = [
        Attempt(dialect, weights) for dialect in _dialects() if architecture in (None, dialect.architecture)
    ]
    best = max(attempts, key=lambda attempt: (attempt.fitting, -len(attempt.misfits)))
    if not best.fitting:
        raise ModelError(_unknown(path, weights, architecture))
    if best.misfits:
        raise ModelError(
            f"{path} looks like {best.dialect.title} ({best.dialect.architecture}), but does not fit: "
            f"{_few(best.misfits)}."
        )
    title = best.dialect.title
    return Found(title, best.build(), Card(summary=f"Imported: {title}", recipe=_recipe(path)))


def write_style(path: Path, found: Found, card: Card, *, overwrite: bool = False) -> None:
    """Write the style file: in float16 if that loses nothing, else in float32.

    Rounding CartoonGAN's to float16 moved pictures by up to 2 grey levels (random weights, 256x256); where
    instance norm enlarges what weak filters give, it would by more.

    Raises:
        ModelError, MediaError: as `save_style`.
    """
    values = [value for value in found.generator.state_dict().values() if value.is_floating_point()]
    half = all(torch.equal(value.half().float(), value) for value in values)
    save_style(path, found.generator, card, half=half, overwrite=overwrite)


class Attempt:
    """A dialect tried on weights: the network that the shapes tell of, and what does not fit it."""

    def __init__(self, dialect: Dialect, weights: Weights) -> None:
        self.dialect, self.weights = dialect, weights
        with torch.device("meta"):
            self.generator = ARCHITECTURES[dialect.architecture](**_config(dialect, weights))
        expected = {dialect.theirs(name): value for name, value in self.generator.state_dict().items()}
        self.misfits = [f"{name} is missing" for name in expected if name not in weights]
        self.fitting = 0
        for name, value in weights.items():
            trouble = _compare(value, expected.get(name))
            if trouble:
                self.misfits.append(f"{_printable(name)} {trouble}")
            else:
                self.fitting += 1

    def build(self) -> Generator:
        """The network with the weights, in float32, for RGB."""
        theirs = {name: self.weights[self.dialect.theirs(name)] for name in self.generator.state_dict()}
        ours = {name: v.float() if v.is_floating_point() else v for name, v in theirs.items()}
        if self.dialect.bgr:
            ours["flat.0.weight"] = ours["flat.0.weight"].flip(1)
            ours |= {name: ours[name].flip(0) for name in ("out.weight", "out.bias")}
        self.generator.load_state_dict(ours, assign=True)
        return self.generator.eval().requires_grad_(requires_grad=False)


def _dialects() -> list[Dialect]:
    return [
        Dialect("a published CartoonGAN generator", "cartoongan", _cartoongan_names(), bgr=True),
        Dialect("an AnimeGANv2 generator for PyTorch", "animegan2", _animegan_names()),
        *(Dialect("a network of this program's training", architecture) for architecture in ARCHITECTURES),
    ]


def _cartoongan_names() -> dict[str, str]:
    """Hayao, Hosoda, Shinkai and Paprika, as converted from the authors' Torch files: width 64, 8 blocks."""
    convs = {"flat.0": "conv01_1", "up1.0": "deconv01_1", "up2.0": "deconv02_1", "out": "deconv03_1"}
    convs |= {"up1.1": "deconv01_2", "up2.1": "deconv02_2"}
    norms = {"flat.1": "in01_1", "up1.2": "in12_1", "up2.2": "in13_1"}
    for number, down in ((2, "down1"), (3, "down2")):
        convs |= {f"{down}.{half}": f"conv{number:02}_{half + 1}" for half in (0, 1)}
        norms[f"{down}.2"] = f"in{number:02}_1"
    for block in range(8):
        for half in (1, 2):
            convs[f"residuals.{block}.conv{half}"] = f"conv{block + 4:02}_{half}"
            norms[f"residuals.{block}.norm{half}"] = f"in{block + 4:02}_{half}"
    names = {
        f"{ours}.{kind}": f"{theirs}.{kind}" for ours, theirs in convs.items() for kind in ("weight", "bias")
    }
    for ours, theirs in norms.items():
        names |= {f"{ours}.weight": f"{theirs}.scale", f"{ours}.bias": f"{theirs}.shift"}
    return names


def _animegan_names() -> dict[str, str]:
    """The units number their padding 0, their convolution 1 and their norm 2."""
    units = {f"down1.{i}": f"block_a.{i}" for i in range(3)}
    units |= {"down2.0": "block_b.0", "down2.1": "block_b.1", "down2.2": "block_c.0", "narrow": "block_c.5"}
    units |= {f"up1.{i}": f"block_d.{i}" for i in range(2)} | {f"up2.{i}": f"block_e.{i}" for i in range(3)}
    layers = {"out": "out_layer.0"}
    for block in range(4):
        ours, theirs = f"residuals.{block}", f"block_c.{block + 1}.layers"
        units |= {f"{ours}.expand": f"{theirs}.0", f"{ours}.depthwise": f"{theirs}.1"}
        layers |= {f"{ours}.project": f"{theirs}.2", f"{ours}.norm": f"{theirs}.3"}
    for ours, theirs in units.items():
        layers |= {f"{ours}.conv": f"{theirs}.1", f"{ours}.norm": f"{theirs}.2"}
    return {
        f"{ours}.{kind}": f"{theirs}.{kind}" for ours, theirs in layers.items() for kind in ("weight", "bias")
    }


def _config(dialect: Dialect, weights: Weights) -> dict[str, int | str]:
    """The constructor's arguments, as far as names and shapes tell them."""
    first, blocks = LAYOUT[dialect.architecture]
    config: dict[str, int | str] = {}
    sides = weights[dialect.theirs(first)].shape if dialect.theirs(first) in weights else ()
    if sides and 0 < sides[0] <= MAX_CONFIG:
        config["width"] = sides[0]
    count = len({name.split(".")[1] for name in weights if name.startswith(blocks)})
    if not dialect.names and 0 < count <= MAX_CONFIG:
        config["blocks"] = count
    if dialect.architecture == "cartoongan":
        config["norm"] = "batch" if "flat.1.running_mean" in weights else "instance"
    return config


def _compare(found: Tensor, expected: Tensor | None) -> str:
    """What is wrong with a tensor of the file, in words; nothing if it fits."""
    if expected is None:
        return "is not part of it"
    if found.shape != expected.shape:
        return f"is {_sides(found)} in place of {_sides(expected)}"
    if found.is_floating_point() != expected.is_floating_point():
        return f"holds {found.dtype} in place of {expected.dtype}"
    return ""


def _sides(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _is_style(path: Path) -> bool:
    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False


def _restyle(path: Path, architecture: str | None) -> Found:
    generator, header = load_style(path)
    if architecture not in (None, header.architecture):
        raise ModelError(f"{path} is a style file of {header.architecture}, not of {architecture}.")
    return Found("a style file", generator, header.card)


def _recipe(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"cartoonize import-weights {path.name} (SHA-256 {digest})"


def _unknown(path: Path, weights: Weights, architecture: str | None) -> str:
    known = architecture or "network that is known here (" + ", ".join(ARCHITECTURES) + ")"
    keys = _few([f"{_printable(name)} ({_sides(value)})" for name, value in weights.items()])
    return f"{path} holds no {known}: its keys are {keys}."


def _few(items: list[str], most: int = 5) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _printable(name: str) -> str:
    """A stranger's text: short, and without control characters that a terminal would obey."""
    return ascii(name)[1:-1][:80]
