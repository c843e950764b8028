"""Measures how often something is done in a second."""

import time
from collections.abc import Callable

import numpy as np
import torch

from ..distil import Distil
from ..networks import build_generator
from ..recipe import Recipe
from ..trainer import Compute

SECONDS = 4.0  # for each measurement
LOADED = 0.8  # speed of a training beside the processes that load its pictures


def per_second(work: Callable[[], object], seconds: float = SECONDS) -> float:
    """How often `work` is done in a second, after a first time that is not counted."""
    work()
    started, rounds = time.perf_counter(), 0
    while rounds == 0 or time.perf_counter() - started < seconds:
        work()
        rounds += 1
    return rounds / (time.perf_counter() - started)


def training_speed(recipe: Recipe, compute: Compute) -> float:
    """Images a second of a distillation, with all losses that it ever has."""
    phase = Distil(build_generator(recipe), recipe, compute)
    rng = np.random.default_rng(0)
    shape = (recipe.batch, 3, recipe.size, recipe.size)
    batch = {
        name: torch.from_numpy(rng.integers(0, 256, shape, np.uint8))
        for name in ("photo", "target", "drawing")
    }
    progress = min(0.5 * (recipe.late_losses_at + 1), 0.999)
    # Reading a value waits for the device.
    steps = per_second(lambda: float(phase.step(batch, progress)["gradient_norm"]))
    return LOADED * recipe.batch * steps
