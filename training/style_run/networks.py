"""Steps: train the networks. On a GPU a large one learns first, and redraws the photos for the small one."""

from pathlib import Path
from typing import ClassVar

import msgspec

from ...backends import load
from ...styles import builtin_styles
from ...styles.card import Card
from ..pictures import count_of_size, list_pictures, read_rgb, save_png
from ..recipe import Recipe
from ..recipe_files import FOLDER, load_recipe
from ..run import train
from ..settings import Settings
from .plan import planned_seconds
from .step import Display, Step
from .workspace import Workspace

START, TEACHER_START = "pepper", "pepper-hq"
"""Built-in styles that the networks start from. They already draw lines and fills, which saves an hour."""

GPU_BATCH, GPU_SIZE = 32, 256  # too slow for a CPU
LOG_EVERY = 160  # images


def recipe_for(name: str, workspace: Workspace) -> Recipe:
    """The recipe of a training, for the device and the pictures of the run."""
    recipe = load_recipe(str(FOLDER / "shared" / f"{name}.toml"))
    if workspace.has_gpu:
        recipe = msgspec.structs.replace(recipe, batch=GPU_BATCH, size=GPU_SIZE)
    artist = recipe.weights.artist and workspace.options.styles
    if not artist or count_of_size(workspace.drawings, recipe.size) < recipe.batch:
        recipe = recipe.with_changes({"artist": 0.0})
    return recipe


class Training(Step):
    """A distillation of as many images as the plan has time for."""

    start: ClassVar[str]  # a built-in style, or a step

    def settings(self, workspace: Workspace) -> Settings:
        """The settings of the training."""
        recipe, options = recipe_for(self.name, workspace), workspace.options
        builtin = builtin_styles().get(self.start)
        return Settings(
            "distil",
            recipe,
            workspace.pairs / "photo",
            targets=self.targets(workspace),
            style=workspace.drawings if recipe.weights.artist else None,
            start=builtin or workspace.folder / self.start / "style.safetensors",
            seed=options.seed,
            run=workspace.folder / self.name,
            images=workspace.count(self.name),
            device=options.device,
            precision=options.precision,
            compiled=options.compiled,
            workers=options.workers,
            log_every=LOG_EVERY,
            save_every=options.save_every,
            card=Card(name=workspace.folder.absolute().name),
        )

    def targets(self, workspace: Workspace) -> Path:
        """The redrawn photos: the teacher's, or those of the filters."""
        is_taught = Redraw.name in workspace.state.done  # a run can be stopped there, and resume on a CPU
        return workspace.folder / Redraw.name if is_taught else workspace.pairs / "target"

    def estimate(self, workspace: Workspace) -> float | None:
        """The images at the measured speed."""
        return planned_seconds(self.name, workspace)

    def run(self, workspace: Workspace, display: Display) -> None:
        """Train, or resume."""
        train(self.settings(workspace), display)


class Teach(Training):
    """Train the teacher."""

    name, title, start = "teach", "Training the teacher", TEACHER_START

    def is_wanted(self, workspace: Workspace) -> bool:
        """On a GPU. On a CPU it would take hours, and the drawings of filters are good enough."""
        return workspace.has_gpu

    def targets(self, workspace: Workspace) -> Path:
        """The filters' drawings."""
        return workspace.pairs / "target"


class Redraw(Step):
    """Let the teacher redraw the photos."""

    name, title = "taught", "Redrawing photos by the teacher"

    def is_wanted(self, workspace: Workspace) -> bool:
        """If there is a teacher."""
        return workspace.has_gpu

    def estimate(self, workspace: Workspace) -> float:
        """A fraction of a second for each pair."""
        return 0.1 * workspace.state.counts.get("targets", 0)

    def run(self, workspace: Workspace, display: Display) -> None:
        """Write RUN/taught under the names of the pairs; those that exist are kept."""
        teacher, device = workspace.folder / "teach" / "style.safetensors", str(workspace.compute.device)
        photos = list_pictures(workspace.pairs / "photo")
        with load(str(teacher), device=device, precision="fp32") as backend:
            for done, path in enumerate(photos, 1):
                copy = workspace.folder / self.name / path.relative_to(workspace.pairs / "photo")
                if not copy.exists():
                    save_png(backend(read_rgb(path)[None])[0], copy)
                display.show_pictures(done, len(photos))


class Learn(Training):
    """Train the small network in floats, at a high rate, without the losses that cost most."""

    name, title, start = "learn", "Training in floats", START


class Refine(Training):
    """Train it on in 8-bit integers, with all losses."""

    name, title, start = "refine", "Training in integers", "learn"
