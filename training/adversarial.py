"""Adversarial: a discriminator learns to tell drawings from all else, and the generator to be taken for one.

CartoonGAN (Chen et al., CVPR 2018): L = L_adv(G, D) + w L_con(G, D). D sees drawings as real and both
generated pictures and edge-smoothed drawings as fake, from which it learns that clear edges make a cartoon.

White-box Cartoonization's surface and texture losses add a discriminator each, which sees a filtered *view*
of drawings and outputs; the paper's own discriminator is the one whose view is the picture itself.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..models import Generator
from . import losses
from .checkpoint import Part
from .discriminator import build_discriminator
from .image_pool import ImagePool
from .presets import Recipe
from .trainer import Compute, Trainer

View = Callable[[Tensor], Tensor]

LOSSES = (
    "content", "adversarial", "tv", "colour", "gram", "surface", "structure", "texture", "temporal",
)  # fmt: skip


class Adversarial:
    """Both networks; batches hold "photo", "drawing" and "smoothed", each (N, 3, H, W) uint8.

    With a weight on the structure loss they also hold "flat", the photo's superpixels.
    """

    def __init__(self, generator: Generator, features: nn.Module, recipe: Recipe, compute: Compute) -> None:
        schedule = recipe.schedules["adversarial"]
        self.weights, self.compute = recipe.weights, compute
        self.criterion = losses.CRITERIA[recipe.criterion]
        self.generator = Trainer(generator, schedule, compute, recipe.clip)
        self.judges = {
            view: Trainer(build_discriminator(recipe), schedule, compute, recipe.clip)
            for view in ("adversarial", "surface", "texture")
            if getattr(self.weights, view)
        }
        self.features = compute.place(features)
        self.pool = ImagePool(recipe.pool)

    def parts(self) -> Mapping[str, Part]:
        """All networks with their optimisers, and the pool."""
        judges = {f"discriminator_{view}": judge for view, judge in self.judges.items()}
        return {"generator": self.generator, "pool": self.pool, **judges}

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """One step of each discriminator, then one of the generator; the losses by name."""
        pictures = {name: self.compute.to_unit(value) for name, value in batch.items()}
        output = self.generator(pictures["photo"])
        views = self._views(len(output))
        judged = self._judge(pictures, output.detach(), views, progress)
        return judged | self._cartoonize(pictures, output, views, progress)

    def _judge(
        self, pictures: dict[str, Tensor], output: Tensor, views: dict[str, View], progress: float
    ) -> dict[str, Tensor]:
        """Artist 1, generated 0, and for the pictures themselves edge-smoothed 0."""
        generated, found = self.pool.exchange(output), {}
        for name, judge in self.judges.items():
            view = views[name]
            smoothed = judge(pictures["smoothed"]) if name == "adversarial" else None
            loss = losses.discriminator(
                self.criterion, judge(view(pictures["drawing"])), judge(view(generated)), smoothed
            )
            judge.descend(loss, progress)
            found[f"d_{name}"] = loss
        return found

    def _cartoonize(
        self, pictures: dict[str, Tensor], output: Tensor, views: dict[str, View], progress: float
    ) -> dict[str, Tensor]:
        """The generator's losses: be taken for a drawing, keep the content, and what else has a weight."""
        found = {name: self.criterion(judge(views[name](output)), 1.0) for name, judge in self.judges.items()}
        found |= self._perceptual(pictures, output)
        found |= self._optional(pictures, output)
        total = torch.stack([getattr(self.weights, name) * loss for name, loss in found.items()]).sum()
        return found | {"gradient_norm": self.generator.descend(total, progress)}

    def _perceptual(self, pictures: dict[str, Tensor], output: Tensor) -> dict[str, Tensor]:
        """The losses on VGG's features."""
        against = {"content": "photo", "structure": "flat", "gram": "drawing"}
        compare = {"content": losses.content, "structure": losses.structure, "gram": losses.gram}
        wanted = [name for name in against if getattr(self.weights, name)]
        features = self._see(output) if wanted else output
        return {name: compare[name](features, self._see(pictures[against[name]])) for name in wanted}

    def _optional(self, pictures: dict[str, Tensor], output: Tensor) -> dict[str, Tensor]:
        """The losses on pixels."""
        found, photo = {}, pictures["photo"]
        if self.weights.tv:
            found["tv"] = losses.total_variation(output)
        if self.weights.colour:
            found["colour"] = losses.colour(output, photo)
        if self.weights.temporal:
            found["temporal"] = losses.temporal_consistency(self.generator, photo, output)
        return found

    def _see(self, picture: Tensor) -> Tensor:
        return self.compute.run(self.features, picture)

    def _views(self, count: int) -> dict[str, View]:
        """What each discriminator sees; in one step, all pictures of a discriminator in the same way."""
        mix = (2 * torch.rand(count, 3) - 1).to(self.compute.device)
        return {
            "adversarial": lambda x: x,
            "surface": losses.surface_view,
            "texture": lambda x: losses.texture_view(x, mix),
        }
