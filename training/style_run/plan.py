"""The plan of a run folder: how much each step does, and how long that takes (see time_budget.py)."""

from statistics import fmean

from .photos import FILE, read_choices
from .time_budget import SHARES, expected_speed, plan_counts
from .workspace import Workspace

SAMPLE = 300  # versions of photos by which the size of a pair is estimated


def planned_counts(workspace: Workspace) -> dict[str, int]:
    """The pictures or images of each planned step, as decided or as they would be if it began now."""
    steps = [step for step in SHARES if step != "teach" or workspace.has_gpu]
    return plan_counts(steps, workspace.state, workspace.minutes, _pair_megapixels(workspace))


def planned_seconds(step: str, workspace: Workspace) -> float | None:
    """The time of a planned step; None before the photos are chosen and the speeds measured."""
    if workspace.state.speeds is None or not (workspace.folder / FILE).exists():
        return None
    speed = expected_speed(step, workspace.state, _pair_megapixels(workspace))
    return planned_counts(workspace)[step] / speed


def _pair_megapixels(workspace: Workspace) -> float:
    return fmean(choice.megapixels for choice in read_choices(workspace.folder)[:SAMPLE])
