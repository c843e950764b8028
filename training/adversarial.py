"""Adversarial: a discriminator learns to distinguish drawings, and the generator learns to deceive it.

CartoonGAN (Chen et al., CVPR 2018): L = L_adv(G, D) + w L_con(G, D). D sees drawings as real and both
generated pictures and edge-smoothed drawings as fake, from which it learns that clear edges make a cartoon.

White-box Cartoonization's surface and texture losses add a discriminator each, which sees a filtered *view*
of drawings and outputs; the paper's own discriminator is the one whose view is the picture itself.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..models import Generator
from .checkpoint import Part
from .discriminator import build_discriminator
from .image_pool import ImagePool
from .losses import gan, perceptual, pixels
from .losses.temporal import temporal_consistency
from .recipe import Recipe
from .trainer import Compute, Trainer

View = Callable[[Tensor], Tensor]

VIEWS = ("adversarial", "surface", "texture")  # the losses that have a discriminator
PERCEPTUAL = {  # losses on VGG's features: the function, and the picture to compare the output with
    "content": (perceptual.content, "photo"),
    "structure": (perceptual.structure, "flat"),
    "gram": (perceptual.gram, "drawing"),
}
PIXELS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {  # losses of (output, photo)
    "tv": lambda output, _: pixels.total_variation(output),
    "colour": pixels.colour,
}
LOSSES = (*PERCEPTUAL, *VIEWS, *PIXELS, "temporal")


class Adversarial:
    """Generator and discriminators; batches hold "photo", "drawing" and "smoothed", (N, 3, H, W) uint8.

    With a weight on the structure loss they also hold "flat", the photo's superpixels.
    """

    def __init__(self, generator: Generator, features: nn.Module, recipe: Recipe, compute: Compute) -> None:
        schedule = recipe.schedule("adversarial")
        self.weights, self.compute = recipe.weights, compute
        self.criterion = gan.CRITERIA[recipe.criterion]
        self.generator = Trainer(generator, schedule, compute, recipe.clip)
        self.discriminators = {
            view: Trainer(build_discriminator(recipe), schedule, compute, recipe.clip)
            for view in VIEWS
            if getattr(self.weights, view)
        }
        self.features = compute.place(features)
        self.pool = ImagePool(recipe.pool)

    def parts(self) -> Mapping[str, Part]:
        """All networks with their optimisers, and the pool."""
        trainers = {f"discriminator_{view}": trainer for view, trainer in self.discriminators.items()}
        return {"generator": self.generator, "pool": self.pool, **trainers}

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """One step of each discriminator, then one of the generator; returns the losses by name."""
        pictures = {name: self.compute.to_unit(value) for name, value in batch.items()}
        output = self.generator(pictures["photo"])
        views = self._make_views(len(output))
        values = self._train_discriminators(pictures, output.detach(), views, progress)
        return values | self._train_generator(pictures, output, views, progress)

    def _train_discriminators(
        self, pictures: dict[str, Tensor], output: Tensor, views: dict[str, View], progress: float
    ) -> dict[str, Tensor]:
        """One step of each discriminator, with label 1 for drawings and 0 for outputs.

        The discriminator that sees the pictures themselves also gets edge-smoothed drawings, with label 0.
        """
        generated, values = self.pool.exchange(output), {}
        for name, discriminator in self.discriminators.items():
            view = views[name]
            smoothed = discriminator(pictures["smoothed"]) if name == "adversarial" else None
            loss = gan.discriminator_loss(
                self.criterion,
                discriminator(view(pictures["drawing"])),
                discriminator(view(generated)),
                smoothed,
            )
            discriminator.descend(loss, progress)
            values[f"d_{name}"] = loss
        return values

    def _train_generator(
        self, pictures: dict[str, Tensor], output: Tensor, views: dict[str, View], progress: float
    ) -> dict[str, Tensor]:
        """One step of the generator, down the weighted sum of all losses that have a weight."""
        values = {
            name: self.criterion(discriminator(views[name](output)), 1.0)
            for name, discriminator in self.discriminators.items()
        }
        values |= self._perceptual_losses(pictures, output)
        values |= self._pixel_losses(pictures, output)
        total = torch.stack([getattr(self.weights, name) * loss for name, loss in values.items()]).sum()
        return values | {"gradient_norm": self.generator.descend(total, progress)}

    def _perceptual_losses(self, pictures: dict[str, Tensor], output: Tensor) -> dict[str, Tensor]:
        active = {name: entry for name, entry in PERCEPTUAL.items() if getattr(self.weights, name)}
        if not active:
            return {}
        features = self._extract(output)
        return {
            name: loss(features, self._extract(pictures[other])) for name, (loss, other) in active.items()
        }

    def _pixel_losses(self, pictures: dict[str, Tensor], output: Tensor) -> dict[str, Tensor]:
        photo = pictures["photo"]
        values = {name: loss(output, photo) for name, loss in PIXELS.items() if getattr(self.weights, name)}
        if self.weights.temporal:
            values["temporal"] = temporal_consistency(self.generator, photo, output)
        return values

    def _extract(self, picture: Tensor) -> Tensor:
        return self.compute.run(self.features, picture)

    def _make_views(self, count: int) -> dict[str, View]:
        """What each discriminator sees; within a step all pictures of a discriminator get the same view."""
        mix = 2 * torch.rand(count, 3, device=self.compute.device) - 1
        return {
            "adversarial": lambda x: x,
            "surface": gan.surface_view,
            "texture": lambda x: gan.texture_view(x, mix),
        }
