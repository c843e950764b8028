"""The run folder of a style: its paths, its options, its state.

RUN/run.json           state.py
RUN/drawings/          the artist's frames or drawings, at most 720 lines high
RUN/left-out/          those that are no drawings: titles, blank frames, photographs
RUN/photos.json        the photos to learn from, and how each is enlarged
RUN/held-back/         the photos by which the style is measured
RUN/look.toml          the measured look
RUN/pairs/             photos, and the same redrawn
RUN/learn/, refine/    the two trainings; see ../run.py
RUN/style.safetensors, style.int8.onnx, style.webp, before-after.png, quality.json
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ...core.errors import TrainingError
from ...styles.card import Card
from ..evaluation.evaluate import check_clip
from ..looks.sources import sort_sources
from ..pictures import check_outside, list_pictures
from ..trainer import Compute, choose_compute
from .state import RunState, read_state, write_state
from .time_budget import CPU_MINUTES


@dataclass(frozen=True)
class RunOptions:
    """What the user chose. The first five decide the result: they may not change when a run resumes."""

    styles: tuple[Path, ...]  # films, drawings, or folders of both; none: the look alone
    photos: tuple[Path, ...]  # folders
    look: str = ""  # a recipe or a TOML file whose look to take; measured if empty
    seed: int = 0
    precision: str = "auto"

    minutes: float | None = None  # None: an hour on a CPU, and as long as is useful on a GPU
    device: str = "auto"
    compiled: bool | None = None  # None: where it pays
    workers: int = 0  # processes that redraw and load pictures; 0: the run's own
    features: Path | None = None  # VGG16's weights, for the distance to the artist
    clip: Path | None = None  # a video, for flicker
    save_every: float = 600  # seconds between two checkpoints
    card: Card = field(default_factory=Card)


@dataclass(frozen=True)
class Workspace:
    """A run folder and the options of the run."""

    folder: Path
    options: RunOptions

    @cached_property
    def state(self) -> RunState:
        """The content of run.json; call `save` after a change."""
        return read_state(self.folder)

    def save(self) -> None:
        """Write run.json."""
        write_state(self.folder, self.state)

    @cached_property
    def compute(self) -> Compute:
        """The device of the trainings."""
        return choose_compute(self.options.device, self.options.precision, self.options.compiled)

    @property
    def has_gpu(self) -> bool:
        """Whether the trainings run on a GPU."""
        return self.compute.device.type != "cpu"

    @property
    def minutes(self) -> float | None:
        """The time for the run; None for as long as is useful."""
        limited = self.options.minutes is not None or self.has_gpu
        return self.options.minutes if limited else CPU_MINUTES

    @property
    def drawings(self) -> Path:
        """The artist's pictures."""
        return self.folder / "drawings"

    @property
    def held_back(self) -> Path:
        """The photos by which the style is measured."""
        return self.folder / "held-back"

    @property
    def pairs(self) -> Path:
        """Photos and targets."""
        return self.folder / "pairs"

    @property
    def style(self) -> Path:
        """The style file, once the networks are trained."""
        return self.folder / "style.safetensors"

    def check_sources(self) -> None:
        """Check the files and folders that steps read, before anything is written.

        The content of one is checked only if the step that reads it is still to come.

        Raises:
            TrainingError: a path does not exist, or a folder holds nothing that its step can read.
            MediaError: the clip cannot be read.
        """
        options, is_measured = self.options, "evaluate" in self.state.done
        named = [("--style", path) for path in options.styles]
        named += [("--photos", path) for path in options.photos]
        if not is_measured:
            named += [("--video", options.clip)] if options.clip else []
            named += [("--features", options.features)] if options.features else []
        for option, path in named:
            if not path.exists():
                raise TrainingError(f"There is no file or folder {path} ({option}).")
        if options.clip and not is_measured:
            check_clip(options.clip)
        if "drawings" not in self.state.done:
            sort_sources(options.styles)
            check_outside(self.folder, options.styles)
        if "photos" not in self.state.done:
            for folder in options.photos:
                list_pictures(folder)
            check_outside(self.folder, options.photos)

    def check_options(self) -> None:
        """Compare the options with those that the run began with, or record them.

        Raises:
            TrainingError: one differs that decides the result.
        """
        options = self.options
        now = {
            "style": [str(path) for path in options.styles],
            "photos": [str(path) for path in options.photos],
            "look": options.look,
            "seed": options.seed,
            "precision": options.precision,
        }
        earlier = self.state.sources or now
        differences = [f"{name} {earlier.get(name)}, not {value}" for name, value in now.items()
                       if earlier.get(name) != value]  # fmt: skip
        if differences:
            raise TrainingError(
                f"{self.folder} was started with other options ({'; '.join(differences)}): repeat those, or "
                f"name another --run."
            )
        self.state.sources = now

    def count(self, step: str) -> int:
        """The pictures or images of a step, which were decided before it began."""
        return self.state.counts[step]
