"""Every setting that decides what a run learns, and the files that hold them: `recipes/NAME.toml`."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from ..core.choices import did_you_mean
from ..core.errors import TrainingError

Settings = TypeVar("Settings")
FOLDER = Path(__file__).parent / "recipes"

PhaseName = Literal["pretrain", "adversarial", "distil"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long a phase lasts and how its optimisers step: AdamW, which is Adam where the decay is 0."""

    epochs: int  # passes over the photos at the full rate
    lr: float
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 0.0
    fade: int = 0  # further passes, during which the rate falls to 0
    curve: Literal["linear", "cosine"] = "linear"  # how it falls

    def rate(self, progress: float) -> float:
        """The learning rate when `progress`, from 0 to 1, of the phase is done."""
        length = self.fade / (self.epochs + self.fade)
        if progress <= 1 - length:
            return self.lr
        left = (1 - progress) / length
        return self.lr * (left if self.curve == "linear" else 0.5 - 0.5 * math.cos(math.pi * left))


@dataclass(frozen=True, slots=True)
class Weights:
    """Factors of the losses; `losses.py` holds the equation of each. A factor of 0 costs no time."""

    content: float = 0.0
    adversarial: float = 0.0
    tv: float = 0.0
    colour: float = 0.0
    gram: float = 0.0
    surface: float = 0.0
    structure: float = 0.0
    texture: float = 0.0
    temporal: float = 0.0
    pixel: float = 0.0  # only where there are targets: distance of the pixels ...
    gradient: float = 0.0  # ... of their differences ...
    flat: float = 0.0  # ... of those that should be none ...
    line: float = 0.0  # ... of what is missing of dark lines ...
    soft: float = 0.0  # ... of how sharp its edges are ...
    faint: float = 0.0  # ... and of large structures, in proportion to their contrast
    artist: float = 0.0  # to be taken for the artist's drawings, beside the targets


@dataclass(frozen=True, slots=True)
class Look:
    """How filters redraw photos (see targets.py); the defaults suit pictures about 560 pixels long."""

    scales: tuple[float, ...] = (1.0, 1.75)  # photos are enlarged by each, lines keep their width
    smoothing: float = 0.010  # lambda of L0 smoothing in rough places: higher is flatter
    rough: float = 0.025  # roughness from which that lambda holds; below, it falls with the square ...
    least_smoothing: float = 0.05  # ... down to this share of it
    texture: tuple[float, float] = (0.014, 0.035)  # density of texture: from where to where it becomes blobs
    lift: float = 0.6  # exponent before smoothing; dark faces lose their features at 1
    brightness: float = 1.0  # exponent of the lightness before it is stepped; below 1 is brighter
    clarity: float = (
        0.0  # contrast added to what is fainter than CLARITY in lightness; few tones would swallow it
    )
    tones: int = 7  # steps of lightness from black to white
    tone_slope: float = 3.0  # how steeply one tone passes into the next
    tone_mix: float = 0.6  # share of the stepped lightness against the smooth one
    black: float = 0.0  # L of what is black; paint is never as dark as a shadow in a photo
    chroma: float = 1.2  # factor on Lab a and b
    warmth: float = 0.0  # added to Lab b
    paper: tuple[float, float, float] | None = None  # fills from ink to paper in place of the photo's colours
    line_width: float = 1.0  # sigma of the lines, in pixels
    line_reach: float = 0.985  # share of the broader Gaussian: higher draws weaker edges too
    line_threshold: float = 1.0  # darkness by which a line stands out, of the density of texture around it
    line_darkness: float = 0.75  # how far a line leaves the local colour for the ink
    ink: tuple[float, float, float] = (0.13, 0.07, 0.06)  # a dark warm tone
    polish: float = 0.0  # lambda of L0 smoothing of the finished picture, which leaves few clean surfaces


@dataclass(frozen=True, slots=True)
class Recipe:
    """The networks, the losses and the schedule of each phase."""

    model: str
    width: int
    weights: Weights
    norm: Literal["batch", "instance"] = "batch"  # of the discriminator, and of `cartoongan`
    discriminator: Literal["paper", "small"] = "paper"
    discriminator_width: int = 32
    spectral_norm: bool = False
    init_std: float = 0.0  # convolutions start as N(0, init_std); 0 leaves PyTorch's own start
    vgg: Literal["vgg16", "vgg19"] = "vgg16"
    criterion: Literal["bce", "least_squares"] = "bce"
    pool: int = 0  # earlier pictures that the discriminator is shown again
    settle: float = 1.0  # progress of distillation at which batch norm's statistics stay as they are
    late: float = 0.5  # and at which its costly losses come in
    int8: bool = False  # distil what the network draws when it computes in 8-bit integers
    batch: int = 16  # over all processes
    size: int = 256  # pixels, of the square crops
    clip: float = 100.0  # norm of a gradient above which it is scaled down: a stop for outliers only
    schedules: dict[PhaseName, Schedule] = field(default_factory=dict)
    look: Look = field(default_factory=Look)  # of the targets to distil


def presets() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def preset(name: str) -> Recipe:
    """The recipe of that name, or of a TOML file of the same form.

    Raises:
        TrainingError: there is none, or it holds something else than the settings of a recipe.
    """
    path = FOLDER / f"{name}.toml" if name in presets() else Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TrainingError(
            f"There is no preset {name!r}: it is no file, and the presets are {', '.join(presets())}."
            f"{did_you_mean(name, presets())}"
        ) from error
    try:
        return _build(Recipe, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise TrainingError(f"The recipe {path}: {error}.") from error


def _build(kind: type[Settings], entries: Mapping[str, Any]) -> Settings:
    """A dataclass of settings from a table of a TOML file; ValueError says what does not fit."""
    hints, wanted = get_type_hints(kind), [entry.name for entry in fields(kind)]  # type: ignore[arg-type]
    unknown = [name for name in entries if name not in wanted]
    if unknown:
        raise ValueError(f"there is no setting {unknown[0]!r}; known are {', '.join(wanted)}")
    try:
        return kind(**{name: _value(hints[name], name, value) for name, value in entries.items()})
    except TypeError as error:
        raise ValueError(str(error).replace("Recipe.__init__()", "it")) from error


def _value(hint: Any, name: str, value: Any) -> Any:
    """A value of a TOML file as the setting's type has it."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        fits = value in inner
    elif origin is dict and isinstance(value, dict):  # schedules by phase
        return {key: _build(inner[1], _value_of_phase(inner[0], key, table)) for key, table in value.items()}
    elif hint in (Weights, Look) and isinstance(value, dict):
        return _build(hint, value)
    elif isinstance(value, list):  # a tuple of floats, or one that may be left out
        value = tuple(map(float, value))
        fits = "tuple" in str(hint)
    else:
        fits = isinstance(value, hint) or (hint is float and type(value) is int)
    if not fits:
        raise ValueError(f"{name} cannot be {value!r}")
    return float(value) if hint is float else value


def _value_of_phase(phases: Any, name: str, table: Any) -> Mapping[str, Any]:
    if name not in get_args(phases) or not isinstance(table, dict):
        raise ValueError(f"schedules are tables for {', '.join(get_args(phases))}, not {name!r}")
    return table
