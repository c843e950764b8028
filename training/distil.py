"""Distil: a small network learns to draw like slow filters, or like a large network.

At first it minimises distances to the target picture. These are smallest at the average of all plausible
lines, which softens them. So two patch discriminators are added: one distinguishes targets from outputs, the
other the artist's drawings from outputs. Their weights rise in the middle of the phase, like that of
temporal consistency, which costs as much as all the rest.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.errors import TrainingError
from ..models import Generator, Swift
from ..models.int8 import Int8
from .checkpoint import Part
from .discriminator import build_discriminator
from .losses import gan, supervised
from .losses.temporal import temporal_consistency
from .recipe import Recipe, Schedule
from .trainer import Compute, Trainer

SUPERVISED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {  # losses of (output, target)
    "pixel": F.l1_loss,
    "gradient": supervised.gradient_distance,
    "flat": supervised.excess_variation,
    "line": supervised.missing_lines,
    "soft": supervised.missing_sharpness,
    "faint": supervised.relative_band_distance,
}
ALWAYS = ("pixel", "gradient")  # computed for the log even with a factor of 0
REAL = {"adversarial": "target", "artist": "drawing"}  # the real pictures of each discriminator
LATE = ("temporal", *REAL)  # losses that cost much and mean little before the output resembles the target
LOSSES = (*SUPERVISED, *LATE)

RISE = 0.1  # progress during which the late losses' weights rise from 0 to their full values
DISCRIMINATOR = Schedule(epochs=1, lr=2e-4, betas=(0.5, 0.99))  # slower than the generator, whose rate falls
HEAD_START = 0.02  # progress by which the discriminators begin earlier


class Distil:
    """Generator towards targets; batches hold "photo" and "target", each (N, 3, H, W) uint8.

    With a weight on the loss `artist` they also hold "drawing", whose subject is not that of the photo.
    """

    def __init__(self, generator: Generator, recipe: Recipe, compute: Compute) -> None:
        self.weights, self.compute = recipe.weights, compute
        self.freeze_batch_norm_at, self.late_losses_at = recipe.freeze_batch_norm_at, recipe.late_losses_at
        self.criterion = gan.CRITERIA[recipe.criterion]
        self.int8 = compute.place(_to_int8(generator)) if recipe.int8 else None
        self.generator = Trainer(generator, recipe.schedule("distil"), compute, recipe.clip)
        self.discriminators = {
            name: Trainer(build_discriminator(recipe), DISCRIMINATOR, compute, recipe.clip)
            for name in REAL
            if getattr(self.weights, name)
        }

    def parts(self) -> Mapping[str, Part]:
        """The networks with their optimisers."""
        trainers = {f"discriminator_{name}": trainer for name, trainer in self.discriminators.items()}
        return {"generator": self.generator, **trainers}

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from one batch; returns the losses by name."""
        pictures = {name: self.compute.to_unit(value) for name, value in batch.items()}
        if progress >= self.freeze_batch_norm_at:
            self.generator.freeze_batch_norm()
        generate = self.int8 or self.generator
        output = generate(pictures["photo"])
        values = self._supervised_losses(output, pictures["target"])
        rise = ramp(progress, self.late_losses_at, self.late_losses_at + RISE)
        if rise:
            values |= self._late_losses(pictures["photo"], output, generate)
        factors = {name: getattr(self.weights, name) * (rise if name in LATE else 1.0) for name in values}
        total = torch.stack([factors[name] * loss for name, loss in values.items()]).sum()
        values["gradient_norm"] = self.generator.descend(total, progress)
        if progress >= self.late_losses_at - HEAD_START:
            values |= self._train_discriminators(pictures, output.detach(), progress)
        return values

    def _supervised_losses(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        return {
            name: loss(output, target)
            for name, loss in SUPERVISED.items()
            if name in ALWAYS or getattr(self.weights, name)
        }

    def _late_losses(
        self, photo: Tensor, output: Tensor, generate: Callable[[Tensor], Tensor]
    ) -> dict[str, Tensor]:
        values = {
            name: self.criterion(discriminator(output), 1.0)
            for name, discriminator in self.discriminators.items()
        }
        if self.weights.temporal:
            values["temporal"] = temporal_consistency(generate, photo, output)
        return values

    def _train_discriminators(
        self, pictures: dict[str, Tensor], output: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """One step of each discriminator, with label 1 for targets or drawings and 0 for outputs."""
        values = {}
        for name, discriminator in self.discriminators.items():
            real = discriminator(pictures[REAL[name]])
            loss = gan.discriminator_loss(self.criterion, real, discriminator(output))
            discriminator.descend(loss, progress)
            values[f"d_{name}"] = loss
        return values


def _to_int8(generator: Generator) -> Int8:
    """The network as its int8 file computes it; in float32, as half precision would round differently.

    The network must not add the source to its result: then the last layer's output is the picture.
    """
    if not isinstance(generator, Swift):
        raise TrainingError("A recipe with int8 can only train the model swift.")
    nn.init.zeros_(generator.gain)
    generator.gain.requires_grad = False
    return Int8(generator)


def ramp(progress: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, linear between."""
    return min(1.0, max(0.0, (progress - start) / (end - start)))
