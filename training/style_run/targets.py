"""Step: redraw photos by filters, in the artist's look. The network learns from these pairs."""

from itertools import groupby

from ..targets.pairs import write_versions
from .photos import read_choices
from .plan import planned_seconds
from .step import Display, Step
from .workspace import Workspace


class RedrawPhotos(Step):
    """Write RUN/pairs."""

    name, title = "targets", "Redrawing photos by filters"

    def estimate(self, workspace: Workspace) -> float | None:
        """The pictures at the measured speed."""
        return planned_seconds(self.name, workspace)

    def run(self, workspace: Workspace, display: Display) -> None:
        """Redraw as many versions of photos as were planned."""
        look = workspace.state.look
        assert look  # measured before
        versions = [choice.version() for choice in read_choices(workspace.folder)]
        chosen = versions[: workspace.count(self.name)]
        groups = [list(group) for _, group in groupby(chosen, lambda version: version.photo)]
        for done, _ in enumerate(write_versions(groups, workspace.pairs, look, workspace.options.workers), 1):
            display.show_pictures(done, len(groups))
