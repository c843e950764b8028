"""Distil: a small network learns what slow filters, or a large network, make of photos.

Distance of the pixels and of their differences between output and target; then, as these settle on the
average of all plausible lines and soften them, a patch discriminator that tells targets from outputs, and
another one that tells the artist's drawings from them. Their weights rise over the middle of the phase, as
does that of steadiness, which costs as much as all the rest.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.errors import TrainingError
from ..models import Generator, Swift
from ..models.int8 import Int8
from . import losses
from .checkpoint import Part
from .discriminator import build_discriminator
from .presets import Recipe, Schedule
from .trainer import Compute, Trainer

LOSSES = ("pixel", "gradient", "flat", "line", "soft", "faint", "temporal", "adversarial", "artist")
REAL = {"adversarial": "target", "artist": "drawing"}  # what each discriminator takes for real
LATE = ("temporal", *REAL)  # losses that cost much and mean little before the picture is there
RISE = 0.1  # progress over which their weights go from 0, at `recipe.late`, to their full values
DISCRIMINATOR = Schedule(epochs=1, lr=2e-4, betas=(0.5, 0.99))  # slower than the generator, whose rate falls
HEAD_START = 0.02  # progress by which the discriminators begin earlier


class Distil:
    """Generator towards targets; batches hold "photo" and "target", each (N, 3, H, W) uint8.

    With a weight on the artist's loss they also hold "drawing", of other things than the photo.
    """

    def __init__(self, generator: Generator, recipe: Recipe, compute: Compute) -> None:
        self.weights, self.compute = recipe.weights, compute
        self.settle, self.late = recipe.settle, recipe.late
        self.criterion = losses.CRITERIA[recipe.criterion]
        self.rounded = _in_integers(generator) if recipe.int8 else None
        self.generator = Trainer(generator, recipe.schedules["distil"], compute, recipe.clip)
        self.judges = {
            name: Trainer(build_discriminator(recipe), DISCRIMINATOR, compute, recipe.clip)
            for name in REAL
            if getattr(self.weights, name)
        }

    def parts(self) -> Mapping[str, Part]:
        """The networks with their optimisers."""
        judges = {f"discriminator_{name}": judge for name, judge in self.judges.items()}
        return {"generator": self.generator, **judges}

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from one batch; the losses by name."""
        pictures = {name: self.compute.to_unit(value) for name, value in batch.items()}
        if progress >= self.settle:
            self.generator.settle()
        draw = self.rounded or self.generator
        output = draw(pictures["photo"])
        found = self._compare(pictures, output)
        rise = ramp(progress, self.late, self.late + RISE)
        if rise:
            found |= self._late(pictures, output, draw)
        factors = {name: getattr(self.weights, name) * (rise if name in LATE else 1.0) for name in found}
        total = torch.stack([factors[name] * loss for name, loss in found.items()]).sum()
        found["gradient_norm"] = self.generator.descend(total, progress)
        if progress >= self.late - HEAD_START:
            found |= self._judge(pictures, output.detach(), progress)
        return found

    def _compare(self, pictures: dict[str, Tensor], output: Tensor) -> dict[str, Tensor]:
        """Distances to the target."""
        target = pictures["target"]
        found = {
            "pixel": F.l1_loss(output, target),
            "gradient": losses.gradient_distance(output, target),
        }
        if self.weights.flat:
            found["flat"] = losses.unevenness(output, target)
        if self.weights.line:
            found["line"] = losses.faintness(output, target)
        if self.weights.soft:
            found["soft"] = losses.softness(output, target)
        if self.weights.faint:
            found["faint"] = losses.faint_distance(output, target)
        return found

    def _late(
        self, pictures: dict[str, Tensor], output: Tensor, draw: Callable[[Tensor], Tensor]
    ) -> dict[str, Tensor]:
        """Steadiness, and being taken for targets and drawings."""
        found = {name: self.criterion(judge(output), 1.0) for name, judge in self.judges.items()}
        if self.weights.temporal:
            found["temporal"] = losses.temporal_consistency(draw, pictures["photo"], output)
        return found

    def _judge(self, pictures: dict[str, Tensor], output: Tensor, progress: float) -> dict[str, Tensor]:
        """A step of each discriminator: targets, or drawings, 1; outputs 0."""
        found = {}
        for name, judge in self.judges.items():
            loss = losses.discriminator(self.criterion, judge(pictures[REAL[name]]), judge(output))
            judge.descend(loss, progress)
            found[f"d_{name}"] = loss
        return found


def _in_integers(generator: Generator) -> Int8:
    """The network as its int8 file computes it; in float32, as half precision would round in other places.

    At its end nothing of the source is added any more: then the last layer's result is the picture.
    """
    if not isinstance(generator, Swift):
        raise TrainingError("A recipe with int8 can only train the model swift.")
    nn.init.zeros_(generator.gain)
    generator.gain.requires_grad = False
    return Int8(generator)


def ramp(progress: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, linear between."""
    return min(1.0, max(0.0, (progress - start) / (end - start)))
