"""Step: measure the style on the held-back photos."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from ...core.atomic import AtomicFile
from ...models.checkpoint import write_card
from ...styles.card import read_header
from ..evaluation.evaluate import QualityReport, evaluate
from .json_files import read_json
from .plan import planned_seconds
from .step import Display, Step
from .workspace import Workspace

FILE = "quality.json"
FRAMES = 60  # of the user's clip
CLIP = "clip.mp4"  # made if the user has none; one frame is measured for every PHOTOS_PER_FRAME photos
PHOTOS_PER_FRAME = 4

MakeClip = Callable[[Path, int], object]
"""Writes a clip with a number of frames. It is in the package `tools`, which this one does not import."""


class Evaluate(Step):
    """Write RUN/quality.json, and the figures onto the style's card."""

    name, title = "evaluate", "Measuring the style"

    def __init__(self, make_clip: MakeClip) -> None:
        self.make_clip = make_clip

    def estimate(self, workspace: Workspace) -> float | None:
        """The photos at the measured speed."""
        return planned_seconds(self.name, workspace)

    def run(self, workspace: Workspace, display: Display) -> None:
        """Draw and measure."""
        options, count = workspace.options, workspace.count(self.name)
        frames = FRAMES if options.clip else max(2, count // PHOTOS_PER_FRAME)
        clip = options.clip
        if clip is None and find_spec("av"):  # without PyAV the report says that flicker was not measured
            clip = workspace.folder / CLIP
            self.make_clip(clip, frames)
        report = evaluate(
            str(workspace.style),
            workspace.held_back,
            drawings=workspace.drawings if options.styles else None,
            clip=clip,
            features=options.features,
            count=count,
            frames=frames,
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
    """The figures of a finished run.

    Raises:
        TrainingError: their file is damaged.
    """
    return read_json(workspace.folder / FILE, QualityReport, "name another --run").figures
