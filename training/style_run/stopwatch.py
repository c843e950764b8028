"""Measures how often a function can run per second on an otherwise idle machine."""

import time
from collections.abc import Callable

import numpy as np
import torch

from ..distil import Distil
from ..networks import build_generator
from ..recipe import Recipe
from ..trainer import Compute

SECONDS = 4.0  # for each measurement
LEAST_ROUNDS = 3
CLOCK = 1e-6  # seconds: the least difference of two readings
LOADED = 0.8  # speed of a training beside the processes that load its pictures


def per_second(work: Callable[[], object], *, on_gpu: bool = False) -> float:
    """Return how often `work` can run per second, by its fastest run after a first one that is not counted.

    On a CPU the clock is the CPU time of this thread, which takes part in everything that several threads do:
    it stands still while other programs use the core, but not while the thread waits for another one that
    they have stopped. The fastest run waited least. On a GPU it is the elapsed time.
    """
    clock = time.perf_counter if on_gpu else time.thread_time
    work()
    ends, runs = time.perf_counter() + SECONDS, list[float]()
    while len(runs) < LEAST_ROUNDS or time.perf_counter() < ends:
        begun = clock()
        work()
        runs.append(clock() - begun)
    return 1 / max(min(runs), CLOCK)


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
    on_gpu = compute.device.type != "cpu"
    steps = per_second(lambda: float(phase.step(batch, progress)["gradient_norm"]), on_gpu=on_gpu)
    return LOADED * recipe.batch * steps
