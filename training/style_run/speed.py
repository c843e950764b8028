"""Step: measure how fast this machine redraws photos and trains."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ...core import cpus
from ...core.frames import Image
from ..distil import Distil
from ..figures import FigureSums, at_720_lines
from ..networks import build_generator
from ..pairs import redraw
from ..pictures import read_rgb
from ..recipe import Recipe
from .networks import recipe_for
from .photos import read_choices
from .state import Speeds
from .step import Display, Step
from .workspace import Workspace

SECONDS = 4.0  # for each measurement
TOGETHER = 0.85  # speed of a process while all cores work, which share caches and memory
REDRAWN = 256  # lines of the photo that is redrawn


class MeasureSpeed(Step):
    """Put the speeds into run.json. A resumed run keeps them, so that its plan stays the same."""

    name, title = "speed", "Measuring the speed of this machine"

    def estimate(self, workspace: Workspace) -> float:  # noqa: ARG002  # as long as it is allowed to be
        """The time of the measurements."""
        return 6 * SECONDS

    def run(self, workspace: Workspace, display: Display) -> None:  # noqa: ARG002
        """Do a little of each step."""
        state = workspace.state
        assert state.look  # measured before
        photo = read_rgb(read_choices(workspace.folder)[0].version().photo, REDRAWN)
        look = state.look
        with _threads(1):  # as in each of the processes that redraw
            redraws = _per_second(lambda: redraw(photo, look), SECONDS)
        state.speeds = Speeds(
            target=redraws * cpus.count_cores() * TOGETHER * photo.shape[0] * photo.shape[1] / 1e6,
            learn=measure_training(recipe_for("learn", workspace), workspace),
            refine=measure_training(recipe_for("refine", workspace), workspace),
            teach=measure_training(recipe_for("teach", workspace), workspace) if workspace.has_gpu else 0.0,
            evaluate=0.5
            * _per_second(lambda: _measure_photo(at_720_lines(photo)), SECONDS),  # the rest draws
        )


def measure_training(recipe: Recipe, workspace: Workspace) -> float:
    """Images a second of a training with all losses that it ever has."""
    generator = build_generator(recipe)
    phase = Distil(generator, recipe, workspace.compute)
    rng = np.random.default_rng(0)
    shape = (recipe.batch, 3, recipe.size, recipe.size)
    batch = {
        name: torch.from_numpy(rng.integers(0, 256, shape, np.uint8))
        for name in ("photo", "target", "drawing")
    }
    progress = 0.5 * (recipe.late_losses_at + 1)
    return recipe.batch * _per_second(lambda: phase.step(batch, min(progress, 0.999)), SECONDS)


def _per_second(work: Callable[[], object], seconds: float) -> float:
    """How often `work` is done in a second, after a first time that is not counted."""
    work()
    started, rounds = time.perf_counter(), 0
    while rounds == 0 or time.perf_counter() - started < seconds:
        work()
        rounds += 1
    return rounds / (time.perf_counter() - started)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _measure_photo(photo: Image) -> None:
    sums = FigureSums()
    sums.add(photo, photo)
    sums.add_structures(photo, photo)
