"""Distil: a small network learns what slow filters, or a large network, make of photos.

Distance of the pixels and of their differences between output and target; then, as these settle on the
average of all plausible lines and soften them, a patch discriminator that tells targets from outputs. Its
weight rises over the middle of the phase.
"""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional as F

from ..models import Generator
from . import losses
from .checkpoint import Part
from .discriminator import build_discriminator
from .learner import Compute, Learner
from .presets import Recipe, Schedule

LOSSES = ("pixel", "gradient", "temporal", "adversarial")
RISE = (0.55, 0.65)  # progress between which the adversarial weight goes from 0 to its full value
DISCRIMINATOR = Schedule(epochs=1, lr=2e-4, betas=(0.5, 0.99))  # slower than the generator, whose rate falls
HEAD_START = 0.02  # progress by which the discriminator begins earlier


class Distil:
    """Generator towards targets; batches hold "photo" and "target", each (N, 3, H, W) uint8."""

    def __init__(self, generator: Generator, recipe: Recipe, compute: Compute) -> None:
        self.weights, self.compute = recipe.weights, compute
        self.criterion = losses.CRITERIA[recipe.criterion]
        self.generator = Learner(generator, recipe.schedules["distil"], compute, recipe.clip)
        self.judge: Learner | None = None
        if self.weights.adversarial:
            self.judge = Learner(build_discriminator(recipe), DISCRIMINATOR, compute, recipe.clip)

    def parts(self) -> Mapping[str, Part]:
        """The networks with their optimisers."""
        judge = {"discriminator": self.judge} if self.judge else {}
        return {"generator": self.generator, **judge}

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from one batch; the losses by name."""
        photo, target = (self.compute.to_unit(batch[name]) for name in ("photo", "target"))
        output = self.generator(photo)
        found = {
            "pixel": F.l1_loss(output, target),
            "gradient": losses.gradient_distance(output, target),
        }
        total = self.weights.pixel * found["pixel"] + self.weights.gradient * found["gradient"]
        if self.weights.temporal:
            found["temporal"] = losses.steadiness(self.generator, photo, output)
            total = total + self.weights.temporal * found["temporal"]
        weight = self.weights.adversarial * ramp(progress, *RISE)
        if self.judge and weight:
            found["adversarial"] = self.criterion(self.judge(output), 1.0)
            total = total + weight * found["adversarial"]
        found["gradient_norm"] = self.generator.descend(total, progress)

        if self.judge and progress >= RISE[0] - HEAD_START:
            found["d"] = losses.discriminator(self.criterion, self.judge(target), self.judge(output.detach()))
            self.judge.descend(found["d"], progress)
        return found


def ramp(progress: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, linear between."""
    return min(1.0, max(0.0, (progress - start) / (end - start)))
