"""Step: measure the artist's look, and leave out pictures that are not drawings."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...core.errors import TrainingError
from ..errors import disk_errors
from ..looks import MeasuredLook, target_look, write_look
from ..looks.measure import MAX_PICTURES, PictureFigures, choose_drawings, measure_pictures, summarise
from ..looks.screening import Reason
from ..pictures import list_pictures, sample_evenly
from ..recipe_files import load_recipe
from .step import Display, Step
from .workspace import Workspace

FILE = "look.toml"
PAIR_SCALES = (1.0,)  # photos.py chooses the sizes of the photos


class MeasureLook(Step):
    """Put the look into run.json and RUN/look.toml; --look takes one in place of measuring it."""

    name, title = "look", "Measuring the look"

    def estimate(self, workspace: Workspace) -> float:  # noqa: ARG002  # as measured on two cores
        """About half a minute."""
        return 30.0

    def run(self, workspace: Workspace, display: Display) -> None:
        """Measure the drawings, or read the look.

        Then move pictures that are not drawings to RUN/left-out.
        """
        state, options = workspace.state, workspace.options
        look = state.given_look
        if look and not options.styles:
            state.look = msgspec.structs.replace(look, scales=PAIR_SCALES)
            return
        if state.look is None:  # else a killed run has measured it, and moved pictures already
            paths = sample_evenly(list_pictures(workspace.drawings), MAX_PICTURES)
            figures = measure_pictures(paths, options.workers, display.show_pictures)
            measured = summarise(figures)
            _describe(measured, workspace, display)
            state.look = msgspec.structs.replace(look or target_look(measured), scales=PAIR_SCALES)
            state.left_out = [
                str(path.relative_to(workspace.drawings)) for path in find_non_drawings(paths, figures)
            ]
            workspace.save()
        _leave_out(workspace, display)


def keep_given_look(workspace: Workspace, display: Display) -> None:
    """Copy the look of --look into the state when a run begins; later changes of the file are ignored.

    Raises:
        TrainingError: the file cannot be read when the run begins.
    """
    state, name = workspace.state, workspace.options.look
    if not name:
        return
    if state.given_look is None:
        state.given_look = state.look or load_recipe(name).look
        return
    try:
        is_same = load_recipe(name).look == state.given_look
    except TrainingError:
        is_same = False
    if not is_same:
        display.show_note(
            f"{name} is not as it was when the run began: the run keeps the look that it began with. Name "
            f"another --run to use the new one."
        )


def find_non_drawings(paths: Sequence[Path], figures: Sequence[PictureFigures | Reason]) -> list[Path]:
    """Return the measured pictures that are not drawings."""
    drawings = {picture.path for picture in choose_drawings(figures)}
    return [path for path in paths if path not in drawings]


def _describe(measured: MeasuredLook, workspace: Workspace, display: Display) -> None:
    """Write the measured look for people."""
    styles = ", ".join(path.name for path in workspace.options.styles)
    write_look(workspace.folder / FILE, measured, source=styles, overwrite=True)
    for name, value in measured.rows():
        display.show_note(f"{name}: {value}")


def _leave_out(workspace: Workspace, display: Display) -> None:
    """Move pictures that are not drawings, because they would mislead a discriminator."""
    left_out = workspace.state.left_out
    for name in left_out:
        source, target = workspace.drawings / name, workspace.folder / "left-out" / name
        if source.exists():
            with disk_errors():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
    if left_out:
        folder = workspace.folder / "left-out"
        display.show_note(f"{len(left_out)} pictures are no drawings; they are now in {folder}.")
