"""Every setting that decides what a run learns. Recipes are TOML files: see recipe_files.py and recipes/.

The structs are checked when a file is read: unknown keys and wrong types are refused.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from ..core.errors import TrainingError
from ..styles.card import MAX_CONFIG
from .losses import Weights

PhaseName = Literal["pretrain", "adversarial", "distil"]

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1, le=1 << 16)]
NotNegative = Annotated[float, Meta(ge=0)]
AboveZero = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Momentum = Annotated[float, Meta(ge=0, lt=1)]
Scale = Annotated[float, Meta(gt=0, le=8)]
Scales = Annotated[tuple[Scale, ...], Meta(min_length=1)]
Colour = tuple[float, float, float]  # RGB; ink and paper in [0, 1], paper may exceed it


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """The length of a phase, and its optimisers: AdamW, which is Adam if the decay is 0."""

    epochs: Count  # passes over the photos at the full rate
    lr: NotNegative
    betas: tuple[Momentum, Momentum] = (0.5, 0.999)
    weight_decay: NotNegative = 0.0
    fade: Count = 0  # further passes, during which the rate falls to 0
    curve: Literal["linear", "cosine"] = "linear"  # how it falls

    def __post_init__(self) -> None:
        if self.epochs + self.fade == 0:
            raise ValueError("Epochs and fade are both 0")

    def rate(self, progress: float) -> float:
        """The learning rate at `progress`, from 0 to 1, of the phase."""
        faded_share = self.fade / (self.epochs + self.fade)
        if progress <= 1 - faded_share:
            return self.lr
        left = (1 - progress) / faded_share
        return self.lr * (left if self.curve == "linear" else 0.5 - 0.5 * math.cos(math.pi * left))


class Schedules(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The schedule of each phase that a recipe has."""

    pretrain: Schedule | None = None
    adversarial: Schedule | None = None
    distil: Schedule | None = None


class TargetLook(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of the filters (see targets/); the defaults suit pictures about 560 pixels long."""

    scales: Scales = (1.0, 1.75)  # photos are enlarged by each; lines keep their width
    smoothing: NotNegative = 0.010  # lambda of L0 smoothing in rough places: higher is flatter
    rough: AboveZero = 0.025  # roughness from which that lambda holds; below, it falls with the square ...
    least_smoothing: float = 0.05  # ... down to this share of it
    borders: Share = 0.0  # 1: no smoothing at the borders of areas
    detail: Share = 0.0  # contrast of the brush strokes of rough places
    large_strokes: bool = True  # whether woods, meadows and gravel get large strokes
    texture: tuple[float, float] = (0.014, 0.035)  # texture densities at which blobs begin and are complete
    lift: AboveZero = 0.6  # exponent before smoothing; at 1 dark faces lose their features
    brightness: AboveZero = 1.0  # exponent of the lightness before it is stepped; below 1 is brighter
    clarity: float = 0.0  # contrast added to differences below CLARITY, which few tones would remove
    tones: Annotated[int, Meta(ge=1, le=256)] = 7  # steps of lightness from black to white
    tone_slope: float = 3.0  # steepness of the step from one tone to the next
    tone_mix: float = 0.6  # share of the stepped lightness against the smooth one
    black: float = 0.0  # L of black; paint is never as dark as a shadow in a photo
    white: float = 100.0  # L of white
    chroma: float = 1.2  # factor on Lab a and b
    chroma_by_lightness: tuple[float, ...] = ()  # further factors, in equal bands from dark to light
    warmth: float = 0.0  # added to Lab b
    tint: tuple[tuple[float, float], ...] = ()  # added to Lab a and b, in equal bands from dark to light
    faint: float = 0.0  # share of the faint structures lost by smoothing that is restored in smooth places
    wet_edges: float = 0.0  # pigment that pools at the borders of fills, per difference of their luma
    paper: Colour | None = None  # fills run from ink to paper in place of the photo's colours
    line_width: Annotated[float, Meta(gt=0, le=50)] = 1.0  # sigma of the lines, in pixels
    line_reach: float = 0.985  # weight of the broader Gaussian: higher draws weaker edges too
    line_slope: float = 60.0  # how steeply lines darken with contrast: low for pencil, high for ink
    line_threshold: float = 3.0  # contrast that a line needs, per density of texture around it
    line_darkness: float = 0.75  # blend of a line from the local colour, 0, to the ink, 1; 0: no lines
    ink: Colour = (0.13, 0.07, 0.06)  # a dark warm tone
    polish: NotNegative = 0.0  # lambda of L0 smoothing of the finished picture, for few clean surfaces


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """The networks, the losses and the schedule of each phase."""

    model: str
    width: Annotated[int, Meta(ge=1, le=MAX_CONFIG)]
    weights: Weights
    norm: Literal["batch", "instance"] = "batch"  # of the discriminator, and of `cartoongan`
    discriminator: Literal["paper", "small"] = "paper"
    discriminator_width: Positive = 32
    spectral_norm: bool = False
    init_std: NotNegative = 0.0  # convolutions start as N(0, init_std); 0 keeps PyTorch's initialisation
    vgg: Literal["vgg16", "vgg19"] = "vgg16"
    criterion: Literal["bce", "least_squares"] = "bce"
    pool: Count = 0  # size of the history of outputs that the discriminator sees again
    freeze_batch_norm_at: float = 1.0  # progress of distillation at which batch norm's statistics freeze
    late_losses_at: float = 0.5  # progress of distillation at which its costly losses begin; at 1 never
    int8: bool = False  # distil what the network draws when it computes in 8-bit integers
    batch: Positive = 16  # over all processes
    size: Annotated[int, Meta(ge=1, le=4096)] = 256  # pixels, of the square crops
    clip: NotNegative = 100.0  # norm above which gradients are scaled down; so high, it stops outliers only
    schedules: Schedules = Schedules()
    look: TargetLook = TargetLook()  # of the targets to distil

    def phases(self) -> list[PhaseName]:
        """The phases that the recipe has a schedule for."""
        return [phase for phase in get_args(PhaseName) if getattr(self.schedules, phase)]

    def schedule(self, phase: PhaseName) -> Schedule:
        """The schedule of a phase.

        Raises:
            TrainingError: the recipe has none.
        """
        schedule: Schedule | None = getattr(self.schedules, phase)
        if schedule is None:
            raise TrainingError(f"The recipe has no schedule for the phase {phase!r}.")
        return schedule

    def with_changes(self, weights: Mapping[str, float], **settings: Any) -> "Recipe":
        """The recipe with these factors of losses and these settings; None keeps a setting."""
        changed = {name: value for name, value in settings.items() if value is not None}
        factors = msgspec.structs.replace(self.weights, **weights)
        return msgspec.structs.replace(self, weights=factors, **changed)
