"""`train average` and `train evaluate`: average and measure the styles of a training."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ...core.atomic import AtomicFile, check_target
from ...core.choices import Detail
from ...core.errors import TrainingError
from ...styles import builtin_styles, find_style, user
from ...styles.card import read_header
from ..completion import style_names
from ..console import escape, print_message, print_result
from ..figures import figures_table
from . import options


def average(
    styles: Annotated[
        list[str],
        typer.Argument(metavar="STYLE... OUT", help="Styles or run folders; last, the file to write."),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing file.")] = False,
) -> None:
    """Average the weights of networks that were fine-tuned from the same one; often steadier than each.

    Examples:
      cartoonize train average runs/a runs/b average.safetensors
      cartoonize train average a.safetensors b.safetensors out.safetensors -y
    """
    from ...training.average import average_styles

    *sources, out = styles
    average_styles(sources, Path(out), overwrite=overwrite)
    print_message(escape(f"Wrote {out}."))


def evaluate(
    style: Annotated[
        str,
        typer.Argument(
            help="A style, a style file, an .onnx file or a run folder.", autocompletion=style_names
        ),
    ],
    photos: options.Photos,
    drawings: Annotated[
        Path | None, typer.Option("--style", help="The artist's pictures, for distances to them.")
    ] = None,
    clip: Annotated[Path | None, typer.Option("--video", help="A clip, for flicker.")] = None,
    features: Annotated[
        Path | None, typer.Option(help="VGG16's weights, for a Fréchet distance on its features.")
    ] = None,
    metric_weights: Annotated[
        Path | None, typer.Option(help="torch-fidelity's Inception weights, for FID and KID.")
    ] = None,
    count: Annotated[int, typer.Option(min=2, help="Photos to measure, evenly spread.")] = 200,
    frames: Annotated[int, typer.Option(min=2, help="Frames of the clip to measure.")] = 120,
    device: options.Device = "auto",
    detail: Annotated[
        Detail, typer.Option(help="Draw at 480, 720 or 1080 lines, or at the size of the photos.")
    ] = "normal",
    out: Annotated[
        Path | None,
        typer.Option(help="The JSON file to write.", show_default="quality.json beside the style"),
    ] = None,
    onto_card: Annotated[
        bool, typer.Option("--onto-card", help="Write the figures onto the style file's card too.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", "-y", help="Replace an existing OUT, and figures on a card."),
    ] = False,
) -> None:
    """Measure a style: structures kept, flatness, colours, flicker, distance to the artist.

    Examples:
      cartoonize train evaluate runs/mine --photos photos/ --onto-card
      cartoonize train evaluate pepper --photos photos/ --video clip.mp4
    """
    from ...backends.registry import backend_of_style

    if backend_of_style(style) is None:  # it is a file
        find_style(style)
    folder = Path(style) if Path(style).is_dir() else Path(style).parent
    target = out or folder / "quality.json"
    check_target(target, overwrite=overwrite)
    if onto_card:
        _check_card(style, overwrite)

    from ...training.evaluation.evaluate import evaluate as measure  # imports PyTorch

    report = measure(
        style, photos, drawings=drawings, clip=clip, features=features, metric_weights=metric_weights,
        count=count, frames=frames, device=device, detail=detail,
    )  # fmt: skip
    with AtomicFile(target, overwrite=overwrite) as pending:
        pending.path.write_text(report.to_json(), encoding="utf-8")
    if onto_card:
        _write_figures(find_style(style), report.figures)
    print_result(figures_table(report.figures, all_figures=True))
    print_message(escape(f"Wrote {target}."))
    for note in report.notes:
        print_message(escape(note))


def _check_card(style: str, overwrite: bool) -> None:
    """Refuse a card that may not be changed, before the work of measuring."""
    if style in user.names():
        raise TrainingError(
            f"Your style {style} cannot be changed after it was added: measure the file that it was added "
            "from, and add that again."
        )
    path = find_style(style)
    card = read_header(path).card  # networks of other programs have none
    check_target(path, overwrite=True)
    if overwrite:
        return
    if style in builtin_styles():
        raise TrainingError(
            f"{style} is installed with this program: pass --overwrite (-y) to change its card, or measure a "
            "copy of its file."
        )
    if card.figures:
        raise TrainingError(f"The card of {style} has figures: pass --overwrite (-y) to replace them.")


def _write_figures(path: Path, figures: dict[str, float]) -> None:
    from ...models.checkpoint import write_card

    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    write_card(path, replace(read_header(path).card, figures=rounded))
