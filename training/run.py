"""A run: a folder with the settings of a training, its progress, and the style that it makes.

RUN/style.safetensors            the generator, as of the last checkpoint
RUN/PHASE/settings.json          the settings of the phase
RUN/PHASE/checkpoints/           the latest two
RUN/PHASE/stats.jsonl, events.out.tfevents.*, samples/
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ..backends.pytorch.device import current_device, has_streams
from ..core.errors import TrainingError
from ..core.frames import Image
from ..models import Generator
from . import adversarial, distil, pretrain
from .adversarial import Adversarial
from .checkpoint import Checkpoint
from .crops import Pictures
from .data import Batches, Dataset, Pairs, Photos, PhotosAndDrawings
from .distil import Distil
from .distributed import join_process_group
from .errors import disk_errors, memory_errors
from .features import load_features
from .log import Watcher
from .loop import Phase, fit
from .networks import start_generator
from .pictures import centre_square, read_rgb, sample_evenly
from .pretrain import Pretrain
from .recipe import PhaseName
from .settings import Settings
from .trainer import Compute, choose_compute

LOSSES: dict[PhaseName, tuple[str, ...]] = {
    "pretrain": pretrain.LOSSES,
    "adversarial": adversarial.LOSSES,
    "distil": distil.LOSSES,
}
SAMPLES, SAMPLE_SIZE = 8, 256  # of a sample sheet: the number of photos, and their sides in pixels


@memory_errors()
def train(settings: Settings, watcher: Watcher | None = None) -> Path:
    """Run a phase to its end, or resume it; returns the style file. A `watcher` replaces printed lines.

    Raises:
        CartoonizeError: data, weights, device or folder cannot be used, the memory is too small, or the
            training diverged.
    """
    compute = choose_compute(settings.device, settings.precision, settings.compiled)
    dataset, photos = open_data(settings)
    style = settings.run / "style.safetensors"
    with current_device(compute.device), join_process_group(compute.device) as group:
        is_pinned = has_streams(compute.device)
        batches = Batches(dataset, settings.recipe.batch, group, settings.workers, is_pinned)
        if Checkpoint(settings.folder / "checkpoints").latest():
            settings.check_unchanged()
        samples = read_samples(photos)
        generator = start_generator(settings, samples)
        phase = build_phase(settings, generator, compute)
        if group.rank == 0:
            with disk_errors():
                settings.write()
        total = settings.total_images(len(photos))
        card = settings.complete_card(total, len(photos), LOSSES[settings.phase])
        fit(
            phase, generator, batches, settings.folder,
            images=total, style=style, card=card, samples=samples,
            seed=settings.seed, log_every=settings.log_every, save_every=settings.save_every,
            watcher=watcher,
        )  # fmt: skip
    return style


def describe(settings: Settings, *, planned: bool = False) -> dict[str, Any]:
    """The settings as JSON values, with the numbers that follow from the data.

    With `planned`, the drawings and their copies may not exist yet: only the photos are opened.
    """
    dataset, photos = open_data(replace(settings, phase="pretrain") if planned else settings)
    compute = choose_compute(settings.device, settings.precision, settings.compiled)
    latest = Checkpoint(settings.folder / "checkpoints").latest()
    return settings.to_json() | {
        "photos_found": len(photos),
        "pictures_left_out": dataset.skipped,
        "images": settings.total_images(len(photos)),
        "device": str(compute.device),
        "precision": "bf16" if compute.bf16 else "fp32",
        "compiled": compute.compiled,
        "resumes_from": str(latest) if latest else None,
    }


def open_data(settings: Settings) -> tuple[Dataset, Pictures]:
    """The data of a phase, and the photos in it.

    Raises:
        TrainingError: a folder is missing or has too few pictures of the size.
    """
    size, seed, minimum = settings.recipe.size, settings.seed, settings.recipe.batch
    weights = settings.recipe.weights

    def open_folder(folder: Path | None, option: str, shrink: int | None = None) -> Pictures:
        if folder is None:
            raise TrainingError(f"This phase needs {option}.")
        return Pictures(folder, size, seed, minimum=minimum, shrink=shrink)

    if settings.phase == "distil":
        photos = open_folder(settings.photos, "--pairs")
        targets = open_folder(settings.targets, "--pairs")
        drawings = open_folder(settings.style, "--style") if weights.artist else None
        return Pairs(photos, targets, drawings), photos
    photos = open_folder(settings.photos, "--photos", shrink=2 * size)
    if settings.phase == "pretrain":
        return Photos(photos), photos
    drawings = open_folder(settings.style, "--style")
    smoothed = open_folder(settings.smoothed, "--smoothed") if settings.smoothed else None
    crops = Photos(photos, superpixels=bool(weights.structure))
    return PhotosAndDrawings(crops, drawings, smoothed), photos


def build_phase(settings: Settings, generator: Generator, compute: Compute) -> Phase:
    """The phase with its networks on the device; the seed decides the discriminators' weights."""
    recipe = settings.recipe
    if settings.phase == "distil":
        return Distil(generator, recipe, compute)
    if settings.phase == "pretrain":
        return Pretrain(generator, load_features(recipe.vgg, settings.features), recipe, compute)
    needs_features = any(getattr(recipe.weights, name) for name in adversarial.PERCEPTUAL)
    features = load_features(recipe.vgg, settings.features) if needs_features else nn.Identity()
    return Adversarial(generator, features, recipe, compute)


def read_samples(photos: Pictures) -> list[Image]:
    """The photos of the sample sheets, without damaged ones."""
    samples = []
    for path in sample_evenly(photos.paths, SAMPLES):
        try:
            samples.append(centre_square(read_rgb(path), SAMPLE_SIZE))
        except TrainingError:
            continue
    return samples
