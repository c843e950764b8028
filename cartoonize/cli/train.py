"""`cartoonize train`: thin commands over this package. Everything heavy is imported inside them."""

import json
import math
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..core import cpus
from ..core.choices import did_you_mean
from ..core.errors import TrainingError
from ..styles import builtin_styles, find_style, user
from ..styles.card import Card
from ..training.presets import PhaseName, Recipe, Weights, presets
from ..training.presets import preset as load_preset
from .completion import Complete, details, devices, models, style_names, words

if TYPE_CHECKING:
    from ..training.run import Settings

Item = TypeVar("Item")

FRAME_SIZE = 256  # pixels; larger where a recipe's crops are

app = typer.Typer(name="train", no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def train() -> None:
    """Train a style from photos and an artist's frames.

    [bold]Examples[/bold]

      cartoonize train run --photos photos/ --style films/ --run runs/mine

      cartoonize train evaluate runs/mine --photos photos/
    """


def _presets_with(phase: PhaseName) -> Complete:
    """A callback that offers the presets that have the phase."""
    return lambda: [name for name in presets() if phase in load_preset(name).schedules]


Run = Annotated[Path, typer.Option(help="The run folder. The same command again goes on where it stopped.")]
PhotosDir = Annotated[Path, typer.Option(help="Photos, in a folder and those below it.")]
StyleDir = Annotated[Path, typer.Option(help="The artist's frames or drawings.")]
SmoothedDir = Annotated[
    Path | None, typer.Option(help="Their edge-smoothed copies; made on the fly without.")
]
Preset = Annotated[
    str,
    typer.Option(
        help="deck, paper, official, or a TOML file: networks, losses and schedules.",
        autocompletion=_presets_with("adversarial"),
    ),
]
DistilPreset = Annotated[
    str,
    typer.Option(
        "--preset",
        help="pepper, pepper-hq, ink, or a TOML file: filters, network, losses.",
        autocompletion=_presets_with("distil"),
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="cartoongan, cartoongan_blur, swift or animegan2.",
        show_default="by preset",
        autocompletion=models,
    ),
]
Width = Annotated[
    int | None, typer.Option(min=1, help="Base filters of the generator.", show_default="by preset")
]
Batch = Annotated[
    int | None, typer.Option(min=1, help="Images a step, over all processes.", show_default="by preset")
]
Size = Annotated[
    int | None, typer.Option(min=16, help="Sides of the crops in pixels.", show_default="by preset")
]
Vgg = Annotated[
    str | None,
    typer.Option(
        help="vgg16 or vgg19, of the content loss.",
        show_default="by preset",
        autocompletion=words(("vgg16", "vgg19")),
    ),
]
Weight = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE", help="Factor of a loss; may be repeated. " + ", ".join(Weights.__slots__)
    ),
]
SpectralNorm = Annotated[bool | None, typer.Option(help="In the discriminator.", show_default="by preset")]
Pool = Annotated[
    int | None,
    typer.Option(min=0, help="Earlier outputs that the discriminator sees again.", show_default="by preset"),
]
Images = Annotated[
    int | None, typer.Option(min=1, help="Images to see in this phase.", show_default="the preset's epochs")
]
FeaturesFile = Annotated[
    Path | None,
    typer.Option(
        "--features", help="VGG's weights, safetensors or .pth.", show_default="torchvision's, fetched"
    ),
]
Start = Annotated[Path | None, typer.Option(help="A style file to start from.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", autocompletion=devices)]
DetailName = Annotated[
    str,
    typer.Option(
        "--detail",
        help="Draw at 480, 720 or 1080 lines (low, normal, high), or full.",
        autocompletion=details,
    ),
]
PrecisionName = Annotated[
    str,
    typer.Option(
        "--precision",
        help="auto, bf16 or fp32; auto is bf16 where the hardware has it.",
        autocompletion=words(("auto", "bf16", "fp32")),
    ),
]
Compile = Annotated[
    bool | None, typer.Option("--compile/--no-compile", help="Compile the networks.", show_default="on GPUs")
]
Seed = Annotated[int, typer.Option(min=0, help="Decides weights, crops and draws.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0, help="Processes that load pictures; 0: the training's own.", show_default="cores, up to 8"
    ),
]
Cores = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes to work with.", show_default="all cores")
]
LogEvery = Annotated[int, typer.Option(min=1, help="Images between two lines of the log.")]
SaveEvery = Annotated[float, typer.Option(min=0, help="Seconds between two checkpoints.")]
CardFile = Annotated[
    Path | None,
    typer.Option("--card", help="JSON with name, summary, licence, data and credit, for the style file."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the resolved settings and stop.")]


@app.command()
def frames(
    films: Annotated[
        list[Path], typer.Argument(metavar="FILM... OUT", help="Films; last, the folder to write.")
    ],
    size: Annotated[int, typer.Option(min=16, help="Sides of the frames in pixels.")] = FRAME_SIZE,
    per_scene: Annotated[int, typer.Option(min=1, help="Frames of each scene.")] = 1,
    threshold: Annotated[float, typer.Option(help="Of PySceneDetect: lower finds more scenes.")] = 27.0,
) -> None:
    """Take frames from films: one a scene, without bars, blanks and near-duplicates.

    [bold]Examples[/bold]

      cartoonize train frames film1.mkv film2.mkv frames/

      cartoonize train frames film.mkv frames/ --per-scene 2 --size 384
    """
    from ..training.frames import Extraction

    if len(films) < 2:
        raise TrainingError("Name at least one film and, last, the folder to write.")
    *sources, out = films
    for film in _progress(Extraction(out, size, per_scene, threshold).run(sources), len(sources), "films"):
        _say(
            f"{film.film.name}: {film.scenes} scenes, {film.kept} frames kept, {film.blank} blank, "
            f"{film.repeated} repeated, {film.failed} damaged"
        )


@app.command()
def smooth(
    frames: Annotated[Path, typer.Argument(help="Drawings or frames.")],
    out: Annotated[Path, typer.Argument(help="The folder to write copies of the same names to.")],
    workers: Cores = None,
) -> None:
    """Copy pictures with their edges smoothed, which the discriminator learns to call fake.

    [bold]Examples[/bold]

      cartoonize train smooth frames/ frames-smoothed/

      cartoonize train smooth drawings/ smoothed/ --workers 4
    """
    from ..training.pictures import list_pictures
    from ..training.smooth import smooth_folder

    _count(smooth_folder(frames, out, workers), len(list_pictures(frames)), "smoothed")


@app.command()
def targets(
    photos: Annotated[Path, typer.Argument(help="Photos.")],
    out: Annotated[Path, typer.Argument(help="The folder to write to: OUT/photo and OUT/target.")],
    preset: DistilPreset = "pepper",
    scale: Annotated[
        list[float] | None, typer.Option(help="Enlarge by this; may be repeated.", show_default="by preset")
    ] = None,
    workers: Cores = None,
) -> None:
    """Redraw photos by filters, as pairs that `distil` teaches a small network with.

    [bold]Examples[/bold]

      cartoonize train targets photos/ pairs/ --preset ink

      cartoonize train targets photos/ pairs/ --preset mine.toml --scale 1.5
    """
    from ..training.make_targets import draw_targets
    from ..training.pictures import list_pictures

    if not all(0 < factor < math.inf for factor in scale or []):
        raise TrainingError("--scale has to be a number above 0.")
    look = load_preset(preset).look
    look = replace(look, scales=tuple(scale or look.scales))
    drawn = draw_targets(photos, out, look, workers)
    _count(drawn, len(list_pictures(photos)), "redrawn")


@app.command()
def pretrain(
    photos: PhotosDir, run: Run, preset: Preset = "deck",
    model: Model = None, width: Width = None, batch: Batch = None, size: Size = None, vgg: Vgg = None,
    weight: Weight = None, images: Images = None, features: FeaturesFile = None, start: Start = None,
    device: Device = "auto", precision: PrecisionName = "auto", compiled: Compile = None,
    seed: Seed = 0, workers: Workers = None,
    log_every: LogEvery = 400, save_every: SaveEvery = 600, card: CardFile = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Phase 1: the generator learns to keep a photo's content.

    [bold]Examples[/bold]

      cartoonize train pretrain --photos photos/ --run runs/mine

      cartoonize train pretrain --photos photos/ --run runs/fast --model swift
    """
    _train("pretrain", **locals())


@app.command()
def adversarial(
    photos: PhotosDir, style: StyleDir, run: Run, smoothed: SmoothedDir = None, preset: Preset = "deck",
    model: Model = None, width: Width = None, batch: Batch = None, size: Size = None, vgg: Vgg = None,
    weight: Weight = None, spectral_norm: SpectralNorm = None, pool: Pool = None,
    images: Images = None, features: FeaturesFile = None, start: Start = None,
    scratch: Annotated[bool, typer.Option("--scratch", help="Begin without a pretrained generator.")] = False,
    device: Device = "auto", precision: PrecisionName = "auto", compiled: Compile = None,
    seed: Seed = 0, workers: Workers = None,
    log_every: LogEvery = 400, save_every: SaveEvery = 600, card: CardFile = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Phase 2: the generator learns to be taken for the artist. Starts from phase 1 of the same run.

    [bold]Examples[/bold]

      cartoonize train adversarial --photos photos/ --style art/ --run runs/mine

      cartoonize train adversarial --photos photos/ --style art/ --run b --scratch
    """
    _train("adversarial", **locals())


@app.command("run")
def run_all(
    photos: PhotosDir, style: StyleDir, run: Run, preset: Preset = "deck",
    model: Model = None, width: Width = None, batch: Batch = None, size: Size = None, vgg: Vgg = None,
    weight: Weight = None, spectral_norm: SpectralNorm = None, pool: Pool = None,
    images: Images = None, features: FeaturesFile = None,
    device: Device = "auto", precision: PrecisionName = "auto", compiled: Compile = None,
    seed: Seed = 0, workers: Workers = None,
    log_every: LogEvery = 400, save_every: SaveEvery = 600, card: CardFile = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Everything, from folders to a style file: frames (if --style holds films), smooth, and both phases.

    [bold]Examples[/bold]

      cartoonize train run --photos photos/ --style films/ --run runs/mine

      cartoonize train run --photos photos/ --style art/ --run runs/mine --dry-run
    """
    options = locals()
    del options["dry_run"]
    films, drawings = _films_in(style), run / "frames"
    options |= {"style": drawings if films else style, "smoothed": run / "smoothed"}
    second = _settings("adversarial", **options)
    adversarial_only = ("style", "smoothed", "spectral_norm", "pool")
    first_options = {name: value for name, value in options.items() if name not in adversarial_only}
    first = _settings("pretrain", **first_options | {"weight": _weights_of("pretrain", weight)})
    size = max(FRAME_SIZE, second.recipe.size)
    if dry_run:
        typer.echo(json.dumps(_plan(films, size, first, second), indent=2))
        return
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError(
            "Several processes would prepare the same files: run `cartoonize train frames` and `smooth` "
            "first, and under torchrun `pretrain` and `adversarial`."
        )
    if films and not (drawings / "manifest.csv").exists():
        frames([*films, drawings], size=size)
    smooth(options["style"], run / "smoothed", workers)
    _fit(first)
    _fit(second)


@app.command()
def distil(
    pairs: Annotated[Path, typer.Option(help="A folder with `photo` and `target`, as `targets` writes it.")],
    run: Run,
    style: Annotated[Path | None, typer.Option(help="The artist's drawings, for the loss `artist`.")] = None,
    preset: DistilPreset = "pepper",
    model: Model = None, width: Width = None, batch: Batch = None, size: Size = None, weight: Weight = None,
    images: Images = None, start: Start = None,
    device: Device = "auto", precision: PrecisionName = "auto", compiled: Compile = None,
    seed: Seed = 0, workers: Workers = None,
    log_every: LogEvery = 400, save_every: SaveEvery = 600, card: CardFile = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Another way: teach a small network from pairs of photo and redrawn photo.

    [bold]Examples[/bold]

      cartoonize train distil --pairs pairs/ --style drawings/ --run runs/fast

      cartoonize train distil --pairs pairs/ --run runs/ink --weight artist=0
    """
    options = locals()
    folder: Path = options.pop("pairs")
    _train("distil", photos=folder / "photo", targets=folder / "target", **options)


@app.command()
def average(
    styles: Annotated[
        list[str],
        typer.Argument(metavar="STYLE... OUT", help="Styles or run folders; last, the file to write."),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing file.")] = False,
) -> None:
    """Average the weights of networks that were trained on from the same one; often steadier than each.

    [bold]Examples[/bold]

      cartoonize train average runs/a runs/b average.safetensors

      cartoonize train average a.safetensors b.safetensors out.safetensors -y
    """
    from ..training.average import average_styles

    *given, out = styles
    average_styles(given, Path(out), overwrite=overwrite)


@app.command()
def evaluate(
    style: Annotated[
        str,
        typer.Argument(
            help="A style, a style file, an .onnx file or a run folder.", autocompletion=style_names
        ),
    ],
    photos: PhotosDir,
    drawings: Annotated[
        Path | None, typer.Option("--style", help="The artist's pictures, for distances to them.")
    ] = None,
    clip: Annotated[Path | None, typer.Option("--video", help="A clip, for flicker.")] = None,
    features: Annotated[
        Path | None, typer.Option(help="VGG16's weights, for a Fréchet distance on its features.")
    ] = None,
    metric_weights: Annotated[
        Path | None, typer.Option(help="torch-fidelity's Inception weights, for FID, KID.")
    ] = None,
    count: Annotated[int, typer.Option(min=2, help="Photos to measure, evenly spread.")] = 200,
    frames: Annotated[int, typer.Option(min=2, help="Frames of the clip to measure.")] = 120,
    device: Device = "auto",
    detail: DetailName = "normal",
    out: Annotated[
        Path | None,
        typer.Option(help="The JSON file to write.", show_default="quality.json beside the style"),
    ] = None,
    onto_card: Annotated[
        bool, typer.Option("--onto-card", help="Write the figures onto the style file's card too.")
    ] = False,
) -> None:
    """Measure a style: what is kept of structures, flatness, colours, flicker, distance to the artist.

    [bold]Examples[/bold]

      cartoonize train evaluate runs/mine --photos photos/ --onto-card

      cartoonize train evaluate pepper --photos photos/ --video clip.mp4
    """
    from ..training.evaluate import evaluate as measure
    from ..training.parallel import disk_errors

    if onto_card and style in user.names():
        raise TrainingError(
            f"Your style {style} stays as it was added: measure the file that it came from, and add it again."
        )
    report = measure(
        style, photos, drawings=drawings, clip=clip, features=features, metric_weights=metric_weights,
        count=count, frames=frames, device=device, detail=detail,
    )  # fmt: skip
    place = Path(style) if Path(style).is_dir() else Path(style).parent
    target = out or place / "quality.json"
    with disk_errors():
        target.write_text(json.dumps(asdict(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    if onto_card:
        _write_figures(find_style(style), report.figures)
    _print_figures(report.figures)
    for note in report.notes:
        _say(note)


def _train(phase: PhaseName, *, dry_run: bool, **options: Any) -> None:
    """Run a phase with the options of its command, whose names are those of Settings and Recipe."""
    from ..training.run import describe

    settings = _settings(phase, **options)
    if dry_run:
        typer.echo(json.dumps(describe(settings), indent=2))
        return
    _fit(settings)


def _fit(settings: "Settings") -> None:
    from ..training.run import train

    _say(f"{settings.phase}: {settings.folder}")
    _say(f"The style is {train(settings)}")
    if settings.phase != "pretrain":
        _say(f"To draw with it by name: {_adding(settings.run)}")


def _adding(run: Path) -> str:
    """The command that puts a run's result with one's own styles."""
    name = user.suggest_name(run.absolute().name) or "mine"
    if name in builtin_styles():
        name = f"my-{name}"
    return f"cartoonize styles add {shlex.quote(str(run))} --name {name}"


def _plan(films: list[Path], size: int, first: "Settings", second: "Settings") -> dict[str, Any]:
    """What `run` would do, step by step."""
    from ..training.pictures import list_pictures
    from ..training.run import describe

    drawings = second.style
    if drawings and not films:
        list_pictures(drawings)  # says what is wrong with the folder
    taken = {"films": [str(film) for film in films], "out": str(drawings), "size": size} if films else None
    return {
        "frames": taken,
        "smooth": {"frames": str(drawings), "out": str(second.smoothed)},
        "pretrain": describe(first),
        "adversarial": describe(second, planned=True),
    }


def _settings(
    phase: PhaseName, *, preset: str, weight: list[str] | None = None, card: Path | None = None,
    workers: int | None, **options: Any,
) -> "Settings":  # fmt: skip
    from ..training.run import Settings

    recipe = load_preset(preset)
    if phase not in recipe.schedules:
        fitting = ", ".join(name for name in presets() if phase in load_preset(name).schedules)
        raise TrainingError(f"The preset {preset!r} has no phase {phase!r}: choose {fitting}.")
    changes = {field.name: options.pop(field.name, None) for field in fields(Recipe) if field.name in options}
    factors = dict(_parse_weight(text, phase) for text in weight or [])
    changes["weights"] = replace(recipe.weights, **factors)
    recipe = replace(recipe, **{name: value for name, value in changes.items() if value is not None})
    # More processes than cores only wait for each other, and eight keep up with any one GPU.
    count = min(8, cpus.count_cores()) if workers is None else workers
    return Settings(phase, recipe, card=_read_card(card), workers=count, **options)


def _parse_weight(text: str, phase: PhaseName) -> tuple[str, float]:
    from ..training.run import LOSSES

    name, _, value = text.partition("=")
    if name not in LOSSES[phase]:
        raise TrainingError(
            f"The phase {phase} has no loss {name!r}: choose {', '.join(LOSSES[phase])}."
            f"{did_you_mean(name, LOSSES[phase])}"
        )
    try:
        factor = float(value)
    except ValueError:
        factor = math.nan
    if not 0 <= factor < math.inf:
        raise TrainingError(f"--weight {text} should be {name}=NUMBER, and the number 0 or more.")
    return name, factor


def _weights_of(phase: PhaseName, weight: list[str] | None) -> list[str]:
    """Those of the options that are of the phase's losses."""
    from ..training.run import LOSSES

    return [text for text in weight or [] if text.partition("=")[0] in LOSSES[phase]]


def _read_card(path: Path | None) -> Card:
    if path is None:
        return Card()
    try:
        return Card(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"Cannot read the card {path}: {error}.") from error


def _films_in(folder: Path) -> list[Path]:
    from ..training.frames import films_in

    return films_in(folder)


def _count(results: Iterable[bool], total: int, done: str) -> None:
    """Show progress over the pictures, then how many there were and how many were damaged."""
    read = list(_progress(results, total, "pictures"))
    damaged = f", {read.count(False)} skipped that cannot be read" if False in read else ""
    _say(f"{read.count(True)} pictures {done}{damaged}")


def _progress(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, what, total, console=console, disable=not console.is_terminal)


def _write_figures(path: Path, figures: dict[str, float]) -> None:
    from ..models.checkpoint import write_card
    from ..styles.card import read_header

    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    write_card(path, replace(read_header(path).card, figures=rounded))


def _print_figures(figures: dict[str, float]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:.4g}")
    Console().print(table)


def _say(text: str) -> None:
    typer.echo(text, err=True)
