"""`train frames`, `train smooth`, `train targets`: prepare the pictures that a training needs."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ...core.errors import TrainingError
from ..console import escape, print_message
from ..progress import track
from . import options

FRAME_SIZE = 256  # pixels; `train run` takes larger frames for recipes with larger crops


def frames(
    films: Annotated[
        list[Path], typer.Argument(metavar="FILM... OUT", help="Films; last, the folder to write.")
    ],
    size: Annotated[int, typer.Option(min=16, help="Sides of the frames in pixels.")] = FRAME_SIZE,
    per_scene: Annotated[int, typer.Option(min=1, help="Frames per scene.")] = 1,
    threshold: Annotated[float, typer.Option(help="PySceneDetect's: a lower one finds more scenes.")] = 27.0,
) -> None:
    """Extract frames from films: one per scene, without bars, blank frames and near-duplicates.

    Examples:
      cartoonize train frames film1.mkv film2.mkv frames/
      cartoonize train frames film.mkv frames/ --per-scene 2 --size 384
    """
    if len(films) < 2:
        raise TrainingError("Name at least one film and, last, the folder to write.")
    from ...training.frames import Extraction

    *sources, out = films
    extraction = Extraction(out, size, per_scene, threshold)
    for count in track(extraction.run(sources), len(sources), "films"):
        print_message(
            escape(
                f"{count.film.name}: {count.scenes} scenes, {count.kept} frames kept, {count.blank} blank, "
                f"{count.repeated} repeated, {count.failed} damaged"
            )
        )


def smooth(
    frames: Annotated[Path, typer.Argument(help="Drawings or frames.")],
    out: Annotated[Path, typer.Argument(help="The folder to write copies of the same names to.")],
    workers: options.Processes = None,
) -> None:
    """Copy pictures with smoothed edges, as fakes for the discriminator.

    Examples:
      cartoonize train smooth frames/ frames-smoothed/
      cartoonize train smooth drawings/ smoothed/ --workers 4
    """
    from ...training.pictures import list_pictures
    from ...training.smooth import smooth_folder

    _report_pictures(smooth_folder(frames, out, workers), len(list_pictures(frames)), "smoothed")


def targets(
    photos: Annotated[Path, typer.Argument(help="Photos.")],
    out: Annotated[Path, typer.Argument(help="The folder to write to: OUT/photo and OUT/target.")],
    preset: options.DistilPreset = "pepper",
    scale: Annotated[
        list[float] | None,
        typer.Option(help="Enlarge by this factor; may be repeated.", show_default="by preset"),
    ] = None,
    workers: options.Processes = None,
) -> None:
    """Redraw photos by filters: pairs from which `distil` teaches a small network.

    Examples:
      cartoonize train targets photos/ pairs/ --preset ink
      cartoonize train targets photos/ pairs/ --preset mine.toml --scale 1.5
    """
    import msgspec

    from ...training.recipe_files import load_recipe

    if not all(0 < factor < math.inf for factor in scale or []):
        raise TrainingError("--scale must be a number above 0.")
    look = load_recipe(preset).look
    look = msgspec.structs.replace(look, scales=tuple(scale or look.scales))

    from ...training.pictures import list_pictures
    from ...training.targets.pairs import write_pairs  # imports PyTorch

    _report_pictures(write_pairs(photos, out, look, workers), len(list_pictures(photos)), "redrawn")


def _report_pictures(results: Iterable[bool], total: int, action: str) -> None:
    """Show progress over the pictures, then the number of them and of damaged ones."""
    readable = list(track(results, total, "pictures"))
    damaged = f", {readable.count(False)} skipped that cannot be read" if False in readable else ""
    print_message(escape(f"{readable.count(True)} pictures {action}{damaged}"))
