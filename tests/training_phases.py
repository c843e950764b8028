"""The phases of a training with all their losses, and small networks of random weights."""

import torch

from cartoonize.training.adversarial import Adversarial
from cartoonize.training.distil import Distil
from cartoonize.training.features import Features
from cartoonize.training.losses import Weights
from cartoonize.training.networks import build_generator
from cartoonize.training.pretrain import Pretrain
from cartoonize.training.recipe import Recipe, Schedule, Schedules
from cartoonize.training.run import LOSSES


def recipe(losses, **settings):
    weights = Weights(**dict.fromkeys(losses, 0.1))
    once = Schedule(epochs=1, lr=1e-3)
    schedules = Schedules(pretrain=once, adversarial=once, distil=once)
    return Recipe(
        weights=weights, batch=2, size=32, late_losses_at=0.0, pool=1, schedules=schedules, **settings
    )


RECIPES = {
    "pretrain": recipe(LOSSES["pretrain"], model="animegan2", width=4),
    "adversarial": recipe(
        LOSSES["adversarial"], model="cartoongan", width=4, discriminator_width=4, norm="instance"
    ),
    "distil": recipe(
        LOSSES["distil"], model="cartoongan_blur", width=4, discriminator_width=4, discriminator="small",
        spectral_norm=True, freeze_batch_norm_at=0.4,
    ),
    "distil int8": recipe(LOSSES["distil"], model="swift", width=8, discriminator_width=4, int8=True),
}  # fmt: skip


def build(name, compute):
    """A phase whose networks have random weights, those of VGG too."""
    torch.manual_seed(0)
    generator = build_generator(RECIPES[name])
    if name.startswith("distil"):
        return Distil(generator, RECIPES[name], compute)
    phase = Pretrain if name == "pretrain" else Adversarial
    return phase(generator, Features("vgg16"), RECIPES[name], compute)


def step(phase):
    """Two steps on one batch; the values to log of both."""
    random = torch.Generator().manual_seed(1)
    names = ("photo",) if isinstance(phase, Pretrain) else ("photo", "drawing", "smoothed", "flat", "target")
    batch = {
        name: torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=random) for name in names
    }
    logged = []
    for seed in range(2):
        torch.manual_seed(seed)
        logged.append(phase.step(batch, 0.5))
    return logged
