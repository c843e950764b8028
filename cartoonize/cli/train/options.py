"""The options of `cartoonize train`, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

from ...training.losses import Weights
from ...training.recipe import PhaseName
from ...training.recipe_files import builtin_recipes
from ..completion import Complete, devices, models, words


def _recipes_with(phase: PhaseName) -> Complete:
    """A callback that offers the built-in recipes that have the phase."""
    return lambda: builtin_recipes(phase)


# Data.
Photos = Annotated[Path, typer.Option(help="Photos, in a folder and its subfolders.")]
StyleFolder = Annotated[Path, typer.Option(help="The artist's frames or drawings.")]
Smoothed = Annotated[
    Path | None,
    typer.Option(help="Edge-smoothed copies of the drawings.", show_default="made on the fly"),
]
Run = Annotated[Path, typer.Option(help="The run folder. The same command resumes an interrupted run.")]
Start = Annotated[Path | None, typer.Option(help="A style file to start from.")]
CardFile = Annotated[
    Path | None,
    typer.Option("--card", help="JSON with name, summary, licence, data and credit, for the style file."),
]

# The recipe, and changes to it.
Preset = Annotated[
    str,
    typer.Option(
        help="deck, paper, official, or a TOML file: networks, losses and schedules.",
        autocompletion=_recipes_with("adversarial"),
    ),
]
DistilPreset = Annotated[
    str,
    typer.Option(
        "--preset",
        help="pepper, pepper-hq, ink, or a TOML file: filters, network, losses.",
        autocompletion=_recipes_with("distil"),
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
    int | None, typer.Option(min=1, help="Images per step, over all processes.", show_default="by preset")
]
Size = Annotated[
    int | None, typer.Option(min=16, help="Sides of the crops in pixels.", show_default="by preset")
]
Vgg = Annotated[
    str | None,
    typer.Option(
        help="vgg16 or vgg19, for the content loss.",
        show_default="by preset",
        autocompletion=words(("vgg16", "vgg19")),
    ),
]
Weight = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Factor of a loss; may be repeated. " + ", ".join(Weights.__struct_fields__),
    ),
]
SpectralNorm = Annotated[bool | None, typer.Option(help="In the discriminator.", show_default="by preset")]
Pool = Annotated[
    int | None,
    typer.Option(min=0, help="Earlier outputs that the discriminator sees again.", show_default="by preset"),
]
Images = Annotated[
    int | None,
    typer.Option(min=1, help="Images to see in this phase.", show_default="the preset's epochs"),
]
FeaturesFile = Annotated[
    Path | None,
    typer.Option(
        "--features", help="VGG's weights, safetensors or .pth.", show_default="torchvision's, downloaded"
    ),
]

# The machine.
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps or xpu.", autocompletion=devices)]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        help="auto, bf16 or fp32; auto is bf16 if the hardware supports it.",
        autocompletion=words(("auto", "bf16", "fp32")),
    ),
]
Compile = Annotated[
    bool | None, typer.Option("--compile/--no-compile", help="Compile the networks.", show_default="on GPUs")
]
Seed = Annotated[int, typer.Option(min=0, help="Decides initial weights, crops and random numbers.")]
LoaderProcesses = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        help="Processes that load pictures; 0: the training process itself.",
        show_default="cores, up to 8",
    ),
]
Processes = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes to use.", show_default="all cores")
]
LogEvery = Annotated[int, typer.Option(min=1, help="Images between two lines of the log.")]
SaveEvery = Annotated[float, typer.Option(min=0, help="Seconds between two checkpoints.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the resolved settings and stop.")]
