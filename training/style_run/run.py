"""The steps of a style's run, in their order, and the loop that runs those that are not done."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import disk_errors, memory_errors
from .drawings import CollectDrawings
from .export import Export, WriteInt8
from .look import MeasureLook, keep_given_look
from .networks import Learn, Redraw, Refine, Teach
from .photos import ChoosePhotos
from .pictures import ShowStyle
from .plan import planned_counts
from .quality import Evaluate, MakeClip
from .speed import MeasureSpeed
from .step import Display, Step
from .targets import RedrawPhotos
from .time_budget import SHARES
from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class Helpers:
    """Functions of other packages, which this package may not import."""

    write_int8: WriteInt8
    make_clip: MakeClip


def list_steps(helpers: Helpers) -> list[Step]:
    """All steps."""
    return [
        CollectDrawings(),
        ChoosePhotos(),
        MeasureLook(),
        MeasureSpeed(),
        RedrawPhotos(),
        Teach(),
        Redraw(),
        Learn(),
        Refine(),
        Export(helpers.write_int8),
        Evaluate(helpers.make_clip),
        ShowStyle(),
    ]


def make_style(workspace: Workspace, display: Display, helpers: Helpers) -> None:
    """Run all steps that are not done, or continue the one that was interrupted.

    On one machine's CPU a run that was killed and called again makes the same style, bit for bit.

    Raises:
        CartoonizeError: data, a device or the disk cannot be used, the memory is too small, or a training
            diverged.
    """
    workspace.check_sources()
    workspace.check_options()
    keep_given_look(workspace, display)
    with disk_errors():
        workspace.folder.mkdir(parents=True, exist_ok=True)
    workspace.save()
    steps = [step for step in list_steps(helpers) if step.is_wanted(workspace)]
    for number, step in enumerate(steps):
        if step.name not in workspace.state.done:
            if step.name in SHARES and step.name not in workspace.state.counts:
                workspace.state.counts[step.name] = planned_counts(workspace)[step.name]
                workspace.save()
            display.begin_step(step.title, number + 1, len(steps), estimate_rest(steps[number:], workspace))
            _run_step(step, workspace, display)


def _run_step(step: Step, workspace: Workspace, display: Display) -> None:
    """Run a step, and record the time that it took, even if it is interrupted."""
    state, started = workspace.state, time.monotonic()
    try:
        with memory_errors():
            step.run(workspace, display)
        state.done.append(step.name)
    finally:
        state.seconds[step.name] = state.seconds.get(step.name, 0.0) + time.monotonic() - started
        workspace.save()


def estimate_rest(steps: Sequence[Step], workspace: Workspace) -> float | None:
    """Seconds of these steps; None while that of one is not known."""
    estimates = [step.estimate(workspace) for step in steps if step.name not in workspace.state.done]
    known = [seconds for seconds in estimates if seconds is not None]
    return sum(known) if len(known) == len(estimates) else None
