"""Pretrain: the generator learns to keep a photo's content, before there is a discriminator.

CartoonGAN's initialisation phase (Chen et al., CVPR 2018, section 3.3): the content loss alone, until the
generator reproduces its input. The adversarial phase then starts from pictures instead of noise.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from ..models import Generator
from .checkpoint import Part
from .losses import perceptual
from .recipe import Recipe
from .trainer import Compute, Trainer

LOSSES = ("content",)


class Pretrain:
    """Content loss of (photo, G(photo)); batches hold "photo", (N, 3, H, W) uint8."""

    def __init__(self, generator: Generator, features: nn.Module, recipe: Recipe, compute: Compute) -> None:
        self.generator = Trainer(generator, recipe.schedule("pretrain"), compute, recipe.clip)
        self.features, self.compute = compute.place(features), compute
        self.weight = recipe.weights.content

    def parts(self) -> Mapping[str, Part]:
        """The generator and its optimiser."""
        return {"generator": self.generator}

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from one batch; returns the loss and the norm of the gradient."""
        photo = self.compute.to_unit(batch["photo"])
        features = self.compute.run(self.features, self.generator(photo))
        content = perceptual.content(features, self.compute.run(self.features, photo))
        return {"content": content, "gradient_norm": self.generator.descend(self.weight * content, progress)}
