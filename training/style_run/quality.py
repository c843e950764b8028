"""Step: measure the style on the held-back photos."""

import json
from dataclasses import replace

from ...core.atomic import AtomicFile
from ...models.checkpoint import read_header, write_card
from ..evaluate import evaluate
from .planned import planned_seconds
from .step import Display, Step
from .workspace import Workspace

FILE = "quality.json"
FRAMES = 60  # of the clip


class Evaluate(Step):
    """Write RUN/quality.json, and the figures onto the style's card."""

    name, title = "evaluate", "Measuring the style"

    def estimate(self, workspace: Workspace) -> float | None:
        """The photos at the measured speed."""
        return planned_seconds(self.name, workspace)

    def run(self, workspace: Workspace, display: Display) -> None:
        """Draw and measure."""
        options = workspace.options
        report = evaluate(
            str(workspace.style),
            workspace.held_back,
            drawings=workspace.drawings,
            clip=options.clip,
            features=options.features,
            count=workspace.count(self.name),
            frames=FRAMES,
            device=options.device,
            progress=display.show_pictures,
        )
        report.style = workspace.style.name
        figures = {name: float(f"{value:.4g}") for name, value in report.figures.items()}
        card = replace(read_header(workspace.style).card, figures=figures)
        write_card(workspace.style, card)
        with AtomicFile(workspace.folder / FILE, overwrite=True) as pending:
            pending.path.write_text(report.to_json(), encoding="utf-8")


def read_figures(workspace: Workspace) -> dict[str, float]:
    """The figures of a finished run."""
    figures: dict[str, float] = json.loads((workspace.folder / FILE).read_text(encoding="utf-8"))["figures"]
    return figures
