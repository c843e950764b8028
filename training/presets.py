"""Every setting that decides what a run learns: three published recipes, and one for real time."""

import math
from dataclasses import dataclass, field
from typing import Literal

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
    gradient: float = 0.0  # ... and of their differences


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
    batch: int = 16  # over all processes
    size: int = 256  # pixels, of the square crops
    clip: float = 100.0  # norm of a gradient above which it is scaled down: a stop for outliers only
    schedules: dict[PhaseName, Schedule] = field(default_factory=dict)


DECK = Recipe(
    # The "CartOOnGAN" study group. Its table adds the two losses as they are, hence factors of 1.
    model="cartoongan_blur",
    width=64,
    weights=Weights(content=1.0, adversarial=1.0),
    schedules={
        "pretrain": Schedule(epochs=10, lr=1e-3, weight_decay=1e-3),
        "adversarial": Schedule(epochs=10, lr=1.5e-4, weight_decay=1e-4),
    },
)

PAPER = Recipe(
    # Chen, Lai, Liu, CVPR 2018. The paper states neither optimiser nor batch: those of the official code.
    model="cartoongan",
    width=64,
    weights=Weights(content=10.0, adversarial=1.0),
    vgg="vgg19",
    batch=8,
    schedules={
        "pretrain": Schedule(epochs=10, lr=2e-4),
        "adversarial": Schedule(epochs=200, lr=1e-5),
    },
)

OFFICIAL = Recipe(
    # The authors' Torch code. It used VGG19's Caffe weights; torchvision's are normalised otherwise.
    model="cartoongan",
    width=64,
    weights=Weights(content=10.0, adversarial=1.0),
    norm="instance",
    init_std=0.02,
    vgg="vgg19",
    criterion="least_squares",
    pool=50,
    batch=8,
    schedules={
        "pretrain": Schedule(epochs=10, lr=2e-4, fade=10),
        "adversarial": Schedule(epochs=100, lr=1e-5, fade=100),
    },
)

SWIFT = Recipe(
    # Ours: a small network that learns from pairs of photo and target.
    model="swift",
    width=32,
    weights=Weights(pixel=1.0, gradient=1.0, temporal=0.5, adversarial=0.03),
    discriminator="small",  # the paper's costs ten times what the generator does
    spectral_norm=True,
    criterion="least_squares",
    batch=8,
    size=160,
    clip=1.0,
    schedules={"distil": Schedule(epochs=0, fade=120, lr=1.5e-3, betas=(0.9, 0.99), curve="cosine")},
)

PRESETS = {"deck": DECK, "paper": PAPER, "official": OFFICIAL, "swift": SWIFT}
