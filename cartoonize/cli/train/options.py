"""The options of `cartoonize train`, each declared once, in groups that several commands take."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import typer

from ...core.choices import PerceptualNetwork, TrainingPrecision
from ...core.errors import TrainingError
from ...training.losses import Weights
from ...training.recipe import PhaseName
from ...training.recipe_files import builtin_recipes
from ...training.settings import Settings
from ..completion import Complete, devices, models
from .values import count_loaders, read_card


def _recipes_with(phase: PhaseName) -> Complete:
    """A callback that offers the built-in recipes that have the phase."""
    return lambda: builtin_recipes(phase)


Photos = Annotated[Path, typer.Option(help="Photos, in a folder and its subfolders.")]
StyleFolder = Annotated[Path, typer.Option(help="The artist's frames or drawings.")]
Smoothed = Annotated[
    Path | None,
    typer.Option(help="Edge-smoothed copies of the drawings.", show_default="made on the fly"),
]
Run = Annotated[Path, typer.Option(help="The run folder. The same command resumes an interrupted run.")]
Start = Annotated[Path | None, typer.Option(help="A style file to start from.")]
FeaturesFile = Annotated[
    Path | None,
    typer.Option(
        "--features", help="VGG's weights, safetensors or .pth.", show_default="torchvision's, downloaded"
    ),
]
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
        help="A recipe, such as pepper, ink or watercolour, or a TOML file: filters, network, losses.",
        autocompletion=_recipes_with("distil"),
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps or xpu.", autocompletion=devices)]
Processes = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes to use.", show_default="all cores")
]
# A panel of `--help` for options with a negative form, which widen the table of their panel.
_NETWORKS = "Networks"


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """A recipe and the changes to it, by the names of its settings; None keeps the recipe's."""

    preset: Preset = "deck"
    model: Annotated[
        str | None,
        typer.Option(
            help="cartoongan, cartoongan_blur, swift or animegan2.",
            show_default="by preset",
            autocompletion=models,
        ),
    ] = None
    width: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Base filters of the generator.", show_default="by preset"),
    ] = None
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Images per step, over all processes.", show_default="by preset"
        ),
    ] = None
    size: Annotated[
        int | None,
        typer.Option(min=16, metavar="N", help="Sides of the crops in pixels.", show_default="by preset"),
    ] = None
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Factor of a loss; may be repeated. " + ", ".join(Weights.__struct_fields__),
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class DistilRecipeOptions(RecipeOptions):
    """As RecipeOptions, of other presets."""

    preset: DistilPreset = "pepper"


@dataclass(frozen=True, slots=True)
class PretrainRecipeOptions(RecipeOptions):
    """As RecipeOptions, with the perceptual network."""

    vgg: Annotated[
        PerceptualNetwork | None,
        typer.Option(
            help="The network of the content loss.", rich_help_panel=_NETWORKS, show_default="by preset"
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class AdversarialRecipeOptions(PretrainRecipeOptions):
    """As PretrainRecipeOptions, with the discriminator."""

    spectral_norm: Annotated[
        bool | None,
        typer.Option(
            help="Spectral norm in the discriminator.", show_default="by preset", rich_help_panel=_NETWORKS
        ),
    ] = None
    pool: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Earlier outputs that the discriminator sees again.",
            show_default="by preset",
            rich_help_panel=_NETWORKS,
        ),
    ] = None

    def for_pretraining(self, weight: list[str]) -> PretrainRecipeOptions:
        """The same options for the phase before, with these factors of its losses."""
        shared = {field.name: getattr(self, field.name) for field in fields(PretrainRecipeOptions)}
        return PretrainRecipeOptions(**shared | {"weight": weight})


@dataclass(frozen=True, slots=True)
class PresetOptions(AdversarialRecipeOptions):
    """As AdversarialRecipeOptions, without a default preset."""

    preset: Annotated[
        str | None,
        typer.Option(
            help="deck, paper, official, or a TOML file, in place of the measured look.",
            autocompletion=_recipes_with("adversarial"),
            show_default=False,
        ),
    ] = None  # type: ignore[assignment]  # the base class always has one


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How long a phase runs, where, and what it writes."""

    images: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Images to see in this phase.", show_default="the preset's epochs"
        ),
    ] = None
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Decides initial weights, crops and random numbers.")
    ] = 0
    device: Device = "auto"
    precision: Annotated[
        TrainingPrecision, typer.Option(help="auto is bf16 if the hardware supports it.")
    ] = "auto"
    compiled: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            help="Compile the networks.",
            show_default="on GPUs",
            rich_help_panel=_NETWORKS,
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Processes that load pictures; 0: the training process itself.",
            show_default="cores, up to 8",
        ),
    ] = None
    log_every: Annotated[
        int, typer.Option(min=1, metavar="N", help="Images between two lines of the log.")
    ] = 400
    save_every: Annotated[
        float, typer.Option(min=0, metavar="S", help="Seconds between two checkpoints.")
    ] = 600
    card: Annotated[
        Path | None,
        typer.Option(help="JSON with name, summary, licence, data and credit, for the style file."),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the steps or settings, and train nothing.")
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print what --dry-run prints as JSON.")] = False

    def __post_init__(self) -> None:
        if self.as_json and not self.dry_run:
            raise TrainingError("--json prints the plan of --dry-run: add --dry-run, or leave --json out.")

    def apply_to(self, settings: Settings) -> Settings:
        """The settings of a phase with these options."""
        return replace(
            settings,
            images=self.images,
            seed=self.seed,
            device=self.device,
            precision=self.precision,
            compiled=self.compiled,
            workers=count_loaders(self.workers),
            log_every=self.log_every,
            save_every=self.save_every,
            card=read_card(self.card),
        )
