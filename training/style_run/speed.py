"""Step: measure how fast this machine redraws photos and trains while it does nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...core import cpus
from ...core.frames import Image
from ..evaluation.figures import FigureSums, at_720_lines
from ..pictures import read_rgb
from ..targets.pairs import redraw
from .networks import recipe_for
from .photos import read_choices
from .state import Speeds
from .step import Display, Step
from .stopwatch import SECONDS, per_second, training_speed
from .workspace import Workspace

MEASURING = 0.5  # share of the time for a photo that goes into measuring; the network takes the other part
TOGETHER = 0.85  # relative speed of a process while all cores work, because they share caches and memory
PHOTO_LINES = 256  # lines of the photo that is redrawn


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
        photo = read_rgb(read_choices(workspace.folder)[0].version().photo, PHOTO_LINES)
        look = state.look
        with _threads(1):  # as in each of the processes that redraw
            redraws = per_second(lambda: redraw(photo, look))
        measured = per_second(lambda: _measure_photo(at_720_lines(photo)))
        trainings = {
            name: training_speed(recipe_for(name, workspace), workspace.compute)
            for name in ("teach", "learn", "refine")
            if name != "teach" or workspace.has_gpu
        }
        state.speeds = Speeds(
            target=redraws * cpus.count_cores() * TOGETHER * photo.shape[0] * photo.shape[1] / 1e6,
            learn=trainings["learn"],
            refine=trainings["refine"],
            teach=trainings.get("teach", 0.0),
            evaluate=MEASURING * measured,
        )


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
