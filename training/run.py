"""A run: a folder that holds what a training was told, how far it came, and the style that it makes.

RUN/style.safetensors            the generator, as of the last checkpoint
RUN/PHASE/settings.json          what was asked for
RUN/PHASE/checkpoints/           the newest two
RUN/PHASE/stats.jsonl, events.out.tfevents.*, samples/
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..core.atomic import AtomicFile
from ..core.choices import did_you_mean
from ..core.errors import TrainingError
from ..core.frames import Image
from ..models import ARCHITECTURES, Generator, Swift, architecture_of
from ..models.checkpoint import Card, load_style
from ..models.int8 import fit_grids
from . import adversarial, distil, pretrain
from .adversarial import Adversarial
from .checkpoint import Checkpoint
from .data import Batches, Items, Pairs, Photos, PhotosAndDrawings
from .distil import Distil
from .distributed import ranks
from .features import load_features
from .loop import Phase, fit
from .parallel import disk_errors
from .pictures import Pictures, centre_square, read_rgb, sample
from .presets import PhaseName, Recipe
from .pretrain import Pretrain
from .trainer import Compute, choose_compute, initialise

LOSSES: dict[PhaseName, tuple[str, ...]] = {
    "pretrain": pretrain.LOSSES,
    "adversarial": adversarial.LOSSES,
    "distil": distil.LOSSES,
}
SAMPLES, SAMPLE_SIZE = 8, 256  # of a sheet: photos, and their sides in pixels


@dataclass(frozen=True, slots=True)
class Settings:
    """A phase of a run. The second half may change when the run goes on; the first decides its result."""

    phase: PhaseName
    recipe: Recipe
    photos: Path
    style: Path | None = None  # drawings
    smoothed: Path | None = None  # their edge-smoothed copies; made on the fly without them
    targets: Path | None = None  # the photos redrawn, under the same names
    start: Path | None = None  # a style file to start from
    scratch: bool = False  # begin the adversarial phase without a pretrained generator
    seed: int = 0

    run: Path = Path("run")
    features: Path | None = None
    images: int | None = None  # to see in all; the recipe's epochs if None
    device: str = "auto"
    precision: str = "auto"
    compiled: bool | None = None
    workers: int = 0
    log_every: int = 400  # images
    save_every: float = 600  # seconds
    card: Card = field(default_factory=Card)

    @property
    def folder(self) -> Path:
        """Where the phase keeps its files."""
        return self.run / self.phase

    def total(self, photos: int) -> int:
        """Images to see in all, when an epoch is that many photos."""
        schedule = self.recipe.schedules[self.phase]
        return self.images or (schedule.epochs + schedule.fade) * photos


FIXED = ("phase", "recipe", "photos", "style", "smoothed", "targets", "start", "scratch", "seed")


def train(settings: Settings) -> Path:
    """Run a phase to its end, or on from where it stopped; the style file.

    Raises:
        CartoonizeError: data, weights, device or folder cannot be used, or the training diverged.
    """
    compute = choose_compute(settings.device, settings.precision, settings.compiled)
    items, photos = open_data(settings)
    style = settings.run / "style.safetensors"
    with ranks(compute.device) as placed:
        batches = Batches(items, settings.recipe.batch, placed, settings.workers)
        check_settings(settings)
        shown = samples(photos)
        generator = start_generator(settings, shown)
        phase = build_phase(settings, generator, compute)
        if placed.rank == 0:
            write_settings(settings)
        total = settings.total(len(photos))
        fit(
            phase, generator, batches, settings.folder,
            images=total, style=style, card=fill_card(settings, total, len(photos)), samples=shown,
            seed=settings.seed, log_every=settings.log_every, save_every=settings.save_every,
        )  # fmt: skip
    return style


def describe(settings: Settings, *, planned: bool = False) -> dict[str, Any]:
    """The settings as JSON values, with the numbers that the data decide.

    If it is `planned`, its drawings and their copies need not be there yet: only the photos are looked at.
    """
    items, photos = open_data(replace(settings, phase="pretrain") if planned else settings)
    compute = choose_compute(settings.device, settings.precision, settings.compiled)
    seen = Checkpoint(settings.folder / "checkpoints").newest()
    return _plain(asdict(settings)) | {
        "photos_found": len(photos),
        "pictures_left_out": items.skipped,
        "images": settings.total(len(photos)),
        "device": str(compute.device),
        "precision": "bf16" if compute.bf16 else "fp32",
        "goes_on_from": str(seen) if seen else None,
    }


def fill_card(settings: Settings, images: int, photos: int) -> Card:
    """The card with a name and the recipe, where it does not state them."""
    recipe = settings.recipe
    weights = {name: getattr(recipe.weights, name) for name in LOSSES[settings.phase]}
    factors = ", ".join(f"{name} {value:g}" for name, value in weights.items() if value)
    text = (
        f"{settings.phase}: {images:,} images from {photos:,} photos, batch {recipe.batch}, "
        f"{recipe.size} px, losses {factors}, seed {settings.seed}"
    )
    return replace(
        settings.card, name=settings.card.name or settings.run.name, recipe=settings.card.recipe or text
    )


def open_data(settings: Settings) -> tuple[Items, Pictures]:
    """What a phase learns from, and the photos among it.

    Raises:
        TrainingError: a folder is missing or has too few pictures of the size.
    """
    size, seed, least = settings.recipe.size, settings.seed, settings.recipe.batch
    if settings.phase == "distil":
        photos = Pictures(settings.photos, size, seed, least=least)
        targets = Pictures(_given(settings.targets, "--pairs"), size, seed, least=least)
        artist = settings.recipe.weights.artist
        drawings = Pictures(_given(settings.style, "--style"), size, seed, least=least) if artist else None
        return Pairs(photos, targets, drawings), photos
    photos = Pictures(settings.photos, size, seed, least=least, shrink=2 * size)
    if settings.phase == "pretrain":
        return Photos(photos), photos
    drawings = Pictures(_given(settings.style, "--style"), size, seed, least=least)
    smoothed = Pictures(settings.smoothed, size, seed, least=least) if settings.smoothed else None
    plain = Photos(photos, superpixels=bool(settings.recipe.weights.structure))
    return PhotosAndDrawings(plain, drawings, smoothed), photos


def build_phase(settings: Settings, generator: Generator, compute: Compute) -> Phase:
    """The phase with its networks on the device; discriminators start from the seed."""
    recipe = settings.recipe
    if settings.phase == "distil":
        return Distil(generator, recipe, compute)
    if settings.phase == "pretrain":
        return Pretrain(generator, load_features(recipe.vgg, settings.features), recipe, compute)
    weights = recipe.weights
    perceptual = weights.content or weights.structure or weights.gram
    features = load_features(recipe.vgg, settings.features) if perceptual else nn.Identity()
    return Adversarial(generator, features, recipe, compute)


def start_generator(settings: Settings, photos: list[Image]) -> Generator:
    """The network to train: a style file's, the run's pretrained one, or a new one drawn from the seed.

    One that will be trained in integers is fitted to them on some photos of one size.

    Raises:
        TrainingError: an adversarial phase has nothing to start from, or that is another network.
    """
    torch.manual_seed(settings.seed)
    generator = build_generator(settings.recipe)
    if Checkpoint(settings.folder / "checkpoints").newest():
        return generator  # the phase's own checkpoint brings the weights
    if settings.start:
        _copy_style(settings.start, generator)
    elif settings.phase == "adversarial" and not settings.scratch:
        _copy_pretrained(settings, generator)
    if settings.recipe.int8 and isinstance(generator, Swift) and photos:
        fit_grids(generator, torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2) / 127.5 - 1)
    return generator


def _copy_style(style: Path, generator: Generator) -> None:
    started, header = load_style(style)
    if architecture_of(generator) != header.architecture or generator.config != started.config:
        config = ", ".join(f"{name} {value}" for name, value in started.config.items())
        raise TrainingError(
            f"{style} is a {header.architecture} with {config}: pass its --preset, --model and --width."
        )
    generator.load_state_dict(started.state_dict())


def _copy_pretrained(settings: Settings, generator: Generator) -> None:
    folder, recipe = settings.run / "pretrain", settings.recipe
    told = folder / "settings.json"
    if told.exists():
        before = json.loads(told.read_text())["recipe"]
        if (before["model"], before["width"]) != (recipe.model, recipe.width):
            raise TrainingError(
                f"{settings.run} was pretrained as {before['model']} of width {before['width']}: pass the "
                f"same --model and --width."
            )
    if not Checkpoint(folder / "checkpoints", generator=_Weights(generator)).load_latest():
        raise TrainingError(
            f"{settings.run} holds no pretrained generator: run `cartoonize train pretrain` on it first, "
            f"name a style file with --start, or pass --scratch."
        )


def build_generator(recipe: Recipe) -> Generator:
    """A new network.

    Raises:
        TrainingError: there is no such architecture.
    """
    if recipe.model not in ARCHITECTURES:
        raise TrainingError(
            f"There is no model {recipe.model!r}: choose {', '.join(ARCHITECTURES)}."
            f"{did_you_mean(recipe.model, ARCHITECTURES)}"
        )
    config: dict[str, Any] = {"width": recipe.width}
    if recipe.model == "cartoongan":
        config["norm"] = recipe.norm
    generator = ARCHITECTURES[recipe.model](**config)
    if recipe.size % generator.stride:
        raise TrainingError(f"--size has to be a multiple of {generator.stride}.")
    initialise(generator, recipe.init_std)
    return generator


def samples(photos: Pictures) -> list[Image]:
    """The photos of the sample sheets; damaged ones are left out."""
    found = []
    for path in sample(photos.paths, SAMPLES):
        try:
            found.append(centre_square(read_rgb(path), SAMPLE_SIZE))
        except TrainingError:
            continue
    return found


def check_settings(settings: Settings) -> None:
    """Compare with what the folder was begun with.

    Raises:
        TrainingError: something differs that decides the result.
    """
    path = settings.folder / "settings.json"
    if not path.exists() or not Checkpoint(settings.folder / "checkpoints").newest():
        return
    before, now = json.loads(path.read_text()), _plain(asdict(settings))
    differing = sorted(_differences(before, now))
    if differing:
        raise TrainingError(
            f"{settings.folder} was begun with other settings ({'; '.join(differing)}): repeat those, or "
            f"name another --run."
        )


def write_settings(settings: Settings) -> None:
    """Write `settings.json` into the phase's folder."""
    with disk_errors():
        settings.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_plain(asdict(settings)), indent=2)
        with AtomicFile(settings.folder / "settings.json", overwrite=True) as pending:
            pending.path.write_text(text)


class _Weights:
    """A generator as part of a checkpoint of which only the weights are wanted."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.generator.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["network"])


def _given(folder: Path | None, option: str) -> Path:
    if folder is None:
        raise TrainingError(f"This phase needs {option}.")
    return folder


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it: paths as text, tuples as lists."""
    return json.loads(json.dumps(settings, default=str))  # type: ignore[no-any-return]


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Sentences such as "width 64, not 16" for the fixed settings, looking into the recipe."""
    pairs = {name: (before.get(name), now[name]) for name in FIXED if name != "recipe"}
    pairs |= {name: (before["recipe"].get(name), value) for name, value in now["recipe"].items()}
    return [f"{name} {old}, not {new}" for name, (old, new) in pairs.items() if old != new]
