"""`train run`: from films or drawings to a style in one command."""

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import TrainingError
from ..console import escape, print_message, print_result
from . import options
from .dry_run import print_plan
from .phases import add_command, run_preset
from .run_display import RunDisplay
from .values import count_loaders, read_card

if TYPE_CHECKING:
    from ...training.style_run.run import Helpers
    from ...training.style_run.workspace import Workspace

MAX_MINUTES = 1_000_000  # two years
LONGEST_INTERVAL = 120.0  # seconds between two checkpoints
_OF_PRESETS = ("images", "log_every")  # of TrainingOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRunOptions:
    """What a style is made from, and how long that may take."""

    style: Annotated[
        list[Path] | None,
        typer.Option(help="Films, drawings, or folders of both; may be repeated.", show_default=False),
    ] = None
    photos: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of photos, 200 or more; may be repeated.", show_default=False),
    ] = None
    run: options.Run
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MAX_MINUTES,
            metavar="N",
            help="Time for the run.",
            show_default="60; on GPUs as long as is useful",
        ),
    ] = None
    look: Annotated[
        str | None,
        typer.Option(
            help="A TOML file with the look, as RUN/look.toml, or a recipe; it may replace --style.",
            show_default="measured",
        ),
    ] = None
    clip: Annotated[
        Path | None,
        typer.Option("--video", help="A clip to measure the flicker on.", show_default="the clip of demo"),
    ] = None
    features: Annotated[
        Path | None,
        typer.Option(help="VGG's weights, safetensors or .pth, for the distance to the artist."),
    ] = None

    def workspace(self, training: options.TrainingOptions) -> "Workspace":
        """The run folder with these options, and those of the training.

        Raises:
            TrainingError: neither drawings nor a look are named.
        """
        from ...training.style_run.workspace import RunOptions, Workspace

        if not self.style and self.look is None:
            raise TrainingError(
                "Name films or drawings by --style, or a look by --look: a TOML file as `cartoonize train "
                "look` writes it, or a recipe such as pepper."
            )
        return Workspace(
            self.run,
            RunOptions(
                tuple(self.style or ()), tuple(self.photos or ()), self.look or "", training.seed,
                training.precision, minutes=self.minutes, device=training.device, compiled=training.compiled,
                workers=count_loaders(training.workers), features=self.features, clip=self.clip,
                save_every=min(training.save_every, LONGEST_INTERVAL), card=read_card(training.card),
            ),
        )  # fmt: skip

    def preset_folders(self) -> tuple[Path, Path]:
        """The folders of photos and of drawings or films for a preset, which takes one of each.

        Raises:
            TrainingError: there are more or fewer, or an option is given that presets do not have.
        """
        photos, drawings = self.photos or [], self.style or []
        if len(photos) != 1 or len(drawings) != 1:
            raise TrainingError(
                "A --preset needs one folder of photos (--photos) and one of films or drawings (--style)."
            )
        others = {"--minutes": self.minutes, "--look": self.look, "--video": self.clip}
        given = [name for name, value in others.items() if value is not None]
        if given:
            raise TrainingError(f"{', '.join(given)} cannot be used with --preset.")
        return photos[0], drawings[0]


def run_all(
    *, run_options: StyleRunOptions, recipe: options.PresetOptions, training: options.TrainingOptions
) -> None:
    """Make a style from films or drawings, in one command that resumes where it was interrupted.

    The look of the drawings is measured, photos are redrawn in it, and a small
    network learns from these pairs and from the drawings. The run ends with a
    report, and with a style that every command takes.

    With --preset paper, official or deck it trains as CartoonGAN or a variant of
    it does: for a GPU, and days. The options of networks, losses and numbers of
    images are for these.

    Examples:
      cartoonize train run --style film.mkv --photos photos/ --run runs/mine
      cartoonize train run --style art/ --photos photos/ --run quick --minutes 10
      cartoonize train run --style 1.mkv --style 2.mkv --photos photos/ --run both
      cartoonize train run --look watercolour --photos photos/ --run runs/mine
      cartoonize train run --preset deck --style films/ --photos photos/ --run deck
    """
    from ...training.distributed import process_count

    if process_count() > 1:
        raise TrainingError(
            "Several processes would prepare the same files: leave torchrun out, or use it with `cartoonize "
            "train pretrain`, `adversarial` or `distil`."
        )
    if recipe.preset is not None:
        photos, drawings = run_options.preset_folders()
        run_preset(photos, drawings, run_options.run, recipe, training, run_options.features)
        return
    _check_options(recipe, training)
    workspace = run_options.workspace(training)
    if training.dry_run:
        workspace.check_sources()
        print_plan(workspace, _helpers(), as_json=training.as_json)
        return
    _make_style(workspace)
    _print_report(workspace)


def _make_style(workspace: "Workspace") -> None:
    from ...training.style_run.run import make_style

    with RunDisplay() as display:
        make_style(workspace, display, _helpers())


def _helpers() -> "Helpers":
    from ...export.onnx import export_onnx
    from ...training.style_run.run import Helpers

    def write_int8(style: Path, out: Path) -> None:
        export_onnx(str(style), out, precision="int8", overwrite=True)

    def make_clip(path: Path, frames: int) -> None:
        from ...tools.demo import make_demo_clip  # needs PyAV, which training does not

        make_demo_clip(path, frames=frames)

    return Helpers(write_int8, make_clip)


def _check_options(recipe: options.PresetOptions, training: options.TrainingOptions) -> None:
    """Refuse options that need a preset: here they follow from the device and the time."""
    given = [field.name for field in fields(recipe) if getattr(recipe, field.name) is not None]
    default = options.TrainingOptions()
    given += [name for name in _OF_PRESETS if getattr(training, name) != getattr(default, name)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise TrainingError(
            f"{names} can only be chosen with --preset; without one, networks and images follow from the "
            f"device and --minutes."
        )


def _print_report(workspace: "Workspace") -> None:
    """The figures, what to do about poor ones, and how to use the style."""
    from rich.table import Table

    from ...training.style_run.pictures import SHEET
    from ...training.style_run.report import assess

    rows = assess(workspace)
    table = Table("figure", "value", "wanted", "")
    for row in rows:
        table.add_row(row.title, row.value, row.wanted, "" if row.is_good else "poor")
    print_result(table)
    for row in rows:
        if not row.is_good and row.advice:
            print_message(escape(f"{row.title}: {row.advice}"))
    print_message(escape(f"Photos before and after: {workspace.folder / SHEET}"))
    style = shlex.quote(str(workspace.folder))
    print_message(escape(f"Use it:  cartoonize image photo.jpg cartoon.png --style {style}"))
    print_message(escape(f"         cartoonize video clip.mp4 cartoon.mp4 --style {style}"))
    print_message(escape(f"Keep it: {add_command(workspace.folder)}"))
