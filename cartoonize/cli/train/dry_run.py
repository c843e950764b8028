"""Prints `--dry-run`: the steps of a run with their times, or the resolved settings of a phase."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..console import literal_text, print_json, print_result
from ..quantities import describe_duration

if TYPE_CHECKING:
    from ...training.style_run.run import Helpers
    from ...training.style_run.step import Step
    from ...training.style_run.workspace import Workspace

_TOLERANCE = 1.1
"""An estimate within this multiple of the planned time is not worth a sentence."""


def print_plan(workspace: "Workspace", helpers: "Helpers", *, as_json: bool) -> None:
    """Print the steps of `train run`: the work and the time of each, as far as they are known."""
    from rich.table import Table

    from ...training.style_run.run import list_steps
    from ...training.style_run.time_budget import seconds_left, share_seconds

    steps = [step for step in list_steps(helpers) if step.is_wanted(workspace)]
    device, minutes = str(workspace.compute.device), workspace.minutes
    if as_json:
        described = [_describe_step(step, workspace) for step in steps]
        print_json({"run": str(workspace.folder), "minutes": minutes, "device": device, "steps": described})
        return
    shares = share_seconds([step.name for step in steps], workspace.state, minutes)
    total = sum(_estimate(step, workspace, shares) for step in steps)
    is_too_short = total > _TOLERANCE * seconds_left(workspace.state, minutes)
    time = "as long as is useful" if minutes is None else describe_duration(60 * minutes)
    if is_too_short:
        time = f"about {describe_duration(total)}"
    print_result(literal_text(f"{workspace.folder}: {time}, on {device}"))
    table = Table("", "step", "time")
    for number, step in enumerate(steps, 1):
        table.add_row(str(number), step.title, _describe_time(step, workspace, shares))
    print_result(table)
    if is_too_short:
        print_result(literal_text(f"The steps need more than --minutes {minutes:g}, and run anyway."))
    if any(step.name in shares and step.name not in workspace.state.counts for step in steps):
        print_result("The run measures this machine first, and then decides how much fits into these times.")


def print_settings(settings: Mapping[str, Any], *, as_json: bool) -> None:
    """Print resolved settings: a line for each, named by its path."""
    if as_json:
        print_json(dict(settings))
        return
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in _flatten(settings):
        table.add_row(literal_text(name), literal_text(value, overflow="fold"))
    print_result(table)


def _describe_step(step: "Step", workspace: "Workspace") -> dict[str, Any]:
    state = workspace.state
    return {
        "name": step.name,
        "title": step.title,
        "done": step.name in state.done,
        "count": state.counts.get(step.name),
        "seconds": step.estimate(workspace),
    }


def _describe_time(step: "Step", workspace: "Workspace", shares: Mapping[str, float]) -> str:
    if step.name in workspace.state.done:
        return "done"
    seconds = _estimate(step, workspace, shares)
    return f"about {describe_duration(seconds)}" if seconds else "as long as it takes"


def _estimate(step: "Step", workspace: "Workspace", shares: Mapping[str, float]) -> float:
    """The seconds of a step that is still to be run; 0 if it is done, or if they are not known."""
    if step.name in workspace.state.done:
        return 0.0
    return step.estimate(workspace) or shares.get(step.name, 0.0)


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", str(value)
