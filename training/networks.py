"""The generator that a phase starts from: new, of a style file, or of the run's pretraining."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.errors import TrainingError
from ..core.frames import Image
from ..core.messages import unknown_choice_message
from ..models import ARCHITECTURES, Generator, Swift, architecture_of
from ..models.checkpoint import load_style
from ..models.int8 import fit_grids
from .checkpoint import Checkpoint
from .recipe import Recipe
from .settings import Settings, read_settings
from .trainer import initialise


def build_generator(recipe: Recipe) -> Generator:
    """A new network.

    Raises:
        TrainingError: there is no such architecture, or the crops do not fit its stride.
    """
    if recipe.model not in ARCHITECTURES:
        raise TrainingError(unknown_choice_message("model", recipe.model, tuple(ARCHITECTURES)))
    config: dict[str, Any] = {"width": recipe.width}
    if recipe.model == "cartoongan":
        config["norm"] = recipe.norm
    generator = ARCHITECTURES[recipe.model](**config)
    if recipe.size % generator.stride:
        raise TrainingError(f"--size must be a multiple of {generator.stride}.")
    initialise(generator, recipe.init_std)
    return generator


def start_generator(settings: Settings, photos: list[Image]) -> Generator:
    """The network to train: a style file's, the run's pretrained one, or a new one decided by the seed.

    One that is trained in integers gets its int8 scales from `photos`, which have one size.

    Raises:
        TrainingError: an adversarial phase has nothing to start from, or that is another network.
    """
    torch.manual_seed(settings.seed)
    generator = build_generator(settings.recipe)
    if Checkpoint(settings.folder / "checkpoints").latest():
        return generator  # the phase's own checkpoint holds the weights
    if settings.start:
        _copy_style(settings.start, generator)
    elif settings.phase == "adversarial" and not settings.scratch:
        _copy_pretrained(settings, generator)
    if settings.recipe.int8 and isinstance(generator, Swift) and photos:
        fit_grids(generator, torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2) / 127.5 - 1)
    return generator


def _copy_style(style: Path, generator: Generator) -> None:
    loaded, header = load_style(style)
    if architecture_of(generator) != header.architecture or generator.config != loaded.config:
        config = ", ".join(f"{name} {value}" for name, value in loaded.config.items())
        raise TrainingError(
            f"{style} is a {header.architecture} with {config}: pass its --preset, --model and --width."
        )
    generator.load_state_dict(loaded.state_dict())


def _copy_pretrained(settings: Settings, generator: Generator) -> None:
    folder, recipe = settings.run / "pretrain", settings.recipe
    earlier = read_settings(folder)
    if earlier:
        model, width = (earlier["recipe"].get(name) for name in ("model", "width"))
        if (model, width) != (recipe.model, recipe.width):
            raise TrainingError(
                f"{settings.run} was pretrained as {model} of width {width}: pass the same --model and "
                f"--width."
            )
    if not Checkpoint(folder / "checkpoints", generator=_WeightsOnly(generator)).load_latest():
        raise TrainingError(
            f"{settings.run} holds no pretrained generator: run `cartoonize train pretrain` on it first, "
            f"name a style file with --start, or pass --scratch."
        )


class _WeightsOnly:
    """The generator of a checkpoint without its optimiser."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.generator.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["network"])
