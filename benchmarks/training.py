"""Images per second of the trainer and of a plain loop over the same networks, side by side.

    python benchmarks/training.py --width 16 --size 128

The plain loop is a first implementation: NCHW, float32, data loaded in the main process, the optimiser's
default implementation. Both take turns, so that a machine that slows down slows both. Networks, losses,
batches and pictures (made here) are the same; VGG's weights are random, which takes the same time.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Protocol

import numpy as np
import torch
from msgspec.structs import replace
from PIL import Image
from results import Results, make_parser
from torch import Tensor, nn

from cartoonize.backends.pytorch.device import has_streams, synchronize
from cartoonize.training.adversarial import Adversarial
from cartoonize.training.crops import Pictures
from cartoonize.training.data import Batches, Photos, PhotosAndDrawings
from cartoonize.training.discriminator import Discriminator
from cartoonize.training.features import Features
from cartoonize.training.losses import gan
from cartoonize.training.networks import build_generator
from cartoonize.training.recipe import Recipe
from cartoonize.training.recipe_files import load_recipe
from cartoonize.training.trainer import choose_compute


class Loop(Protocol):
    """What both loops have."""

    def step(self, batch: dict[str, Tensor], progress: float) -> object: ...


class PlainLoop:
    """The adversarial phase in a first implementation."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.device = device
        self.generator = build_generator(recipe).to(device).train()
        self.discriminator = Discriminator(recipe.discriminator_width).to(device).train()
        self.features = Features("vgg16").to(device)
        self.g_step = torch.optim.AdamW(self.generator.parameters(), 1.5e-4, (0.5, 0.999), foreach=False)
        self.d_step = torch.optim.AdamW(self.discriminator.parameters(), 1.5e-4, (0.5, 0.999), foreach=False)

    def step(self, batch: dict[str, Tensor], _progress: float) -> None:
        """One step of each network."""
        photo, drawing, smoothed = (
            batch[name].to(self.device).float() / 127.5 - 1 for name in ("photo", "drawing", "smoothed")
        )
        output = self.generator(photo)
        d_loss = gan.discriminator_loss(
            gan.bce,
            self.discriminator(drawing),
            self.discriminator(output.detach()),
            self.discriminator(smoothed),
        )
        self.d_step.zero_grad()
        d_loss.backward()
        self.d_step.step()

        content = nn.functional.l1_loss(self.features(output), self.features(photo))
        g_loss = gan.bce(self.discriminator(output), 1.0) + content
        self.g_step.zero_grad()
        g_loss.backward()
        self.g_step.step()


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20, help="per turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    results = Results("training", options)

    recipe = replace(load_recipe("deck"), width=options.width, size=options.size, batch=options.batch)
    compute = choose_compute(options.device, "auto")
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(Path(folder), recipe)
        loops: dict[str, tuple[Loop, Iterator[dict[str, Tensor]]]] = {
            "trainer": (
                Adversarial(build_generator(recipe), Features("vgg16"), recipe, compute),
                Batches(
                    data, recipe.batch, workers=options.workers, is_pinned=has_streams(compute.device)
                ).start_at(0),
            ),
            "plain_loop": (PlainLoop(recipe, compute.device), Batches(data, recipe.batch).start_at(0)),
        }
        measurements: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
        for turn in range(options.turns + 1):
            for name, (phase, batches) in loops.items():
                for _ in range(2 * options.workers):  # loaded during the other loop's turn, at no cost
                    next(batches)
                measured = measure(phase, batches, options.steps, recipe.batch, compute.device)
                if turn:  # the first one warms up
                    measurements[name].append(measured)
    precision = "bf16" if compute.bf16 else "fp32"
    print(f"{compute.device}, {precision}, {torch.get_num_threads()} threads, {options}")
    for name, turns in measurements.items():
        speed, waiting = (median(values) for values in zip(*turns, strict=True))
        results[f"{name}_images_per_second"], results[f"{name}_waiting_share"] = speed, waiting
        print(f"{name:14} {speed:7.2f} images/s   {waiting:6.1%} waiting for data")
    results.write()


def measure(
    phase: Loop, batches: Iterator[dict[str, Tensor]], steps: int, batch: int, device: torch.device
) -> tuple[float, float]:
    """Images per second, and the share of time spent waiting for data."""
    waited, started = 0.0, time.perf_counter()
    for _ in range(steps):
        wait_started = time.perf_counter()
        pictures = next(batches)
        waited += time.perf_counter() - wait_started
        phase.step(pictures, 0.0)
    synchronize(device)
    elapsed = time.perf_counter() - started
    return steps * batch / elapsed, waited / elapsed


def make_data(folder: Path, recipe: Recipe) -> PhotosAndDrawings:
    """JPEG photos of 640x480 and PNG drawings of 512x384, too many for the cache of decoded pictures."""
    rng = np.random.default_rng(0)
    for name, size, suffix in (("photos", (640, 480), "jpg"), ("drawings", (512, 384), "png")):
        (folder / name).mkdir()
        for number in range(400):
            small = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
            small.resize(size, Image.Resampling.BICUBIC).save(folder / name / f"{number}.{suffix}")
    photos = Pictures(folder / "photos", recipe.size, 0, shrink=2 * recipe.size)
    return PhotosAndDrawings(Photos(photos), Pictures(folder / "drawings", recipe.size, 0))


if __name__ == "__main__":
    main()
