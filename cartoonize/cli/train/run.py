"""`train run`: from films or drawings to a style in one command."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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


def run_all(
    *,
    style: Annotated[
        list[Path] | None,
        typer.Option(help="Films, drawings, or folders of both; may be repeated.", show_default=False),
    ] = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of photos, 200 or more; may be repeated.", show_default=False),
    ] = None,
    run: options.Run,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MAX_MINUTES,
            metavar="N",
            help="Time for the run.",
            show_default="60; on GPUs as long as is useful",
        ),
    ] = None,
    look: Annotated[
        str | None,
        typer.Option(
            help="A TOML file with the look, as RUN/look.toml, or a recipe; it may replace --style.",
            show_default="measured",
        ),
    ] = None,
    clip: Annotated[
        Path | None,
        typer.Option("--video", help="A clip to measure the flicker on.", show_default="the clip of demo"),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(help="VGG's weights, safetensors or .pth, for the distance to the artist."),
    ] = None,
    recipe: options.PresetOptions,
    training: options.TrainingOptions,
) -> None:
    """Make a style from films or drawings, in one command that resumes where it was interrupted.

    The look of the drawings is measured, photos are redrawn in it, and a small
    network learns from these pairs and from the drawings. The run ends with a
    report, and with a style that every command takes.

    With --preset deck, paper or official it trains as the study group's deck or
    CartoonGAN do: for a GPU, and days. The options of networks are for these.

    Examples:
      cartoonize train run --style film.mkv --photos photos/ --run runs/mine
      cartoonize train run --style art/ --photos photos/ --run quick --minutes 10
      cartoonize train run --style 1.mkv --style 2.mkv --photos photos/ --run both
      cartoonize train run --look watercolour --photos photos/ --run runs/mine
      cartoonize train run --preset deck --style films/ --photos photos/ --run deck
    """
    if recipe.preset is not None:
        _check_preset_options(style or [], photos, minutes=minutes, look=look, video=clip)
        run_preset((photos or [])[0], (style or [])[0], run, recipe, training, features)
        return
    _check_options(recipe, training)
    if not style and look is None:
        raise TrainingError(
            "Name films or drawings by --style, or a look by --look: a TOML file as `cartoonize train look` "
            "writes it, or a recipe such as pepper."
        )
    from ...training.style_run.workspace import RunOptions, Workspace

    workspace = Workspace(
        run,
        RunOptions(
            tuple(style or ()), tuple(photos or ()), look or "", training.seed, training.precision,
            minutes=minutes, device=training.device, workers=count_loaders(training.workers),
            features=features, clip=clip, save_every=min(training.save_every, LONGEST_INTERVAL),
            card=read_card(training.card),
        ),
    )  # fmt: skip
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
    given += ["images"] if training.images is not None else []
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise TrainingError(
            f"{names} can only be chosen with --preset; without one, networks and images follow from the "
            f"device and --minutes."
        )


def _check_preset_options(style: list[Path], photos: list[Path] | None, **others: Any) -> None:
    """Refuse options that presets do not have."""
    if len(style) != 1 or len(photos or []) != 1:
        raise TrainingError("A --preset needs one folder of photos (--photos) and one of films or drawings.")
    given = [f"--{name}" for name, value in others.items() if value is not None]
    if given:
        raise TrainingError(f"{', '.join(given)} cannot be used with --preset.")


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
    print_message(escape(f"Use it:  cartoonize image photo.jpg cartoon.png --style {workspace.folder}"))
    print_message(escape(f"         cartoonize video clip.mp4 cartoon.mp4 --style {workspace.folder}"))
    print_message(escape(f"Keep it: {add_command(workspace.folder)}"))
