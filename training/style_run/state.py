"""`run.json`: the decisions and finished steps of a style's run. A resumed run keeps every number in it.

The sizes of steps are numbers of images, decided before a step begins and never changed after that. So a run
that was killed makes the same style as one that was not.
"""

from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from ..recipe import NotNegative, TargetLook
from .json_files import read_json, write_json

FILE = "run.json"
COUNTED = ("targets", "teach", "learn", "refine", "evaluate")  # steps with a count

StepCount = Annotated[int, Meta(ge=1, le=1_000_000)]


class Speeds(Struct):
    """What this machine can do in a second with all its cores or its GPU, if no other program runs."""

    target: NotNegative  # megapixels redrawn by filters
    learn: NotNegative  # images of the training in floats
    refine: NotNegative  # images of the training in integers, with all losses
    teach: NotNegative  # images of the teacher's training
    evaluate: NotNegative  # photos measured


class RunState(Struct):
    """The content of run.json."""

    sources: dict[str, Any] = field(default_factory=dict)  # options that decide the result
    speeds: Speeds | None = None
    given_look: TargetLook | None = None  # that of --look, as it was when the run began
    look: TargetLook | None = None  # in which photos are redrawn
    left_out: list[str] = field(default_factory=list)  # pictures of --style that are no drawings
    counts: dict[str, StepCount] = field(default_factory=dict)  # by step: pictures or images, once decided
    done: list[str] = field(default_factory=list)  # names of steps
    seconds: dict[str, NotNegative] = field(default_factory=dict)  # spent, by step

    def __post_init__(self) -> None:
        done = set(self.done)
        uncounted = done.intersection(COUNTED) - set(self.counts)
        if uncounted:
            raise ValueError(f"{', '.join(sorted(uncounted))} cannot be done without a count")
        if self.look is None and done & {"look", "targets"}:
            raise ValueError("a look was measured, and is missing")
        if self.speeds is None and "speed" in done:
            raise ValueError("speeds were measured, and are missing")


def read_state(folder: Path) -> RunState:
    """The state of a run; an empty one for a new run.

    Raises:
        TrainingError: the file is damaged.
    """
    path = folder / FILE
    return read_json(path, RunState, "remove it, or name another --run") if path.exists() else RunState()


def write_state(folder: Path, state: RunState) -> None:
    """Replace `run.json`.

    Raises:
        MediaError: the disk cannot be written.
    """
    write_json(folder / FILE, state)
