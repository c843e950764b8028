"""Step: measure the artist's look, which the targets are drawn in."""

import msgspec

from ..recipe_files import load_recipe
from .step import Display, Step
from .workspace import Workspace

PAIR_SCALES = (1.0,)  # photos.py chooses the sizes of the photos


class MeasureLook(Step):
    """Put the look into run.json; --look takes one from a recipe in place of measuring it."""

    name, title = "look", "Measuring the look"

    def estimate(self, workspace: Workspace) -> float:  # noqa: ARG002  # a guess, for the first display
        """About a minute."""
        return 60.0

    def run(self, workspace: Workspace, display: Display) -> None:  # noqa: ARG002
        """Measure the drawings."""
        look = load_recipe(workspace.options.look or "pepper").look
        workspace.state.look = msgspec.structs.replace(look, scales=PAIR_SCALES)
