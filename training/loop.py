"""The only training loop: every phase brings its step, and `fit` does the rest."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..core.errors import TrainingError
from ..core.frames import Image
from ..core.signals import StopRequest
from ..models import Generator
from ..models.checkpoint import Card, save_style
from .checkpoint import Checkpoint, Part
from .data import Batches, Item
from .log import Log
from .parallel import disk_errors


class Phase(Protocol):
    """A way of training: what it holds, and what it does with a batch."""

    def parts(self) -> Mapping[str, Part]:
        """All that a checkpoint has to hold."""
        ...

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from one batch; `progress` runs from 0 to 1. Returns scalars to log, by name."""
        ...


def fit(
    phase: Phase,
    generator: Generator,      # the phase's: what is drawn with and shipped
    batches: Batches,
    folder: Path,              # of checkpoints, statistics and sample sheets
    *,
    images: int,               # to see in all
    style: Path,               # the style file, renewed at every checkpoint
    card: Card,                # what it says of itself
    samples: Sequence[Image],  # photos of the sample sheets
    seed: int = 0,
    log_every: int = 400,      # images
    save_every: float = 600,   # seconds: what a crash may cost
) -> None:  # fmt: skip
    """Train until `images` have been seen; the same call on the same folder goes on where it stopped.

    Raises:
        TrainingError: a loss or a gradient is not finite, the disk is full, or data cannot be read.
        Stopped: a signal asked the program to end; the step that was under way is done and saved. In a
            program with handlers of its own it is what those raise: KeyboardInterrupt for Ctrl-C.
    """
    checkpoint = Checkpoint(folder / "checkpoints", **phase.parts())
    seen = checkpoint.load_latest()
    if seen >= images:
        return
    first = batches.ranks.rank == 0
    meter, saved = TrainingMeter(), time.perf_counter()
    with (
        StopRequest() as stop,
        Log(folder, seen, samples) if first else nullcontext() as log,
        closing(batches.start_at(seen)) as source,
    ):
        if log and not style.exists():
            with disk_errors():
                save_style(style, generator, card)
        while seen < images and not stop.requested:
            with meter.waiting():
                batch = _next(source, stop)
            if batch is None:
                break

            torch.manual_seed(_step_seed(seed, batches.ranks.rank, seen))
            losses = phase.step(batch, seen / images)
            meter.add(_to_floats(losses))
            seen += batches.size
            _check_finite(meter.last, seen, checkpoint)

            if log and _passed(seen, batches.size, log_every):
                log.record(seen, images, meter.read(batches.size) | {"skipped": batches.skipped})

            if log and (time.perf_counter() - saved >= save_every or seen >= images):
                # A run killed between the two goes on before this step and writes the style again.
                _ship(generator, style, card, log, seen)
                checkpoint.save(seen)
                saved = time.perf_counter()

        if log and stop.requested and seen < images:
            _ship(generator, style, card, log, seen)
            checkpoint.save(seen)


class TrainingMeter:
    """Means since the last reading, and where the time went."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}
        self._restart()

    def _restart(self) -> None:
        self._sums: Counter[str] = Counter()
        self._steps, self._waited, self._started = 0, 0.0, time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what is waited for."""
        asked = time.perf_counter()
        yield
        self._waited += time.perf_counter() - asked

    def add(self, values: dict[str, float]) -> None:
        """Count a step."""
        self.last = values
        self._sums.update(values)
        self._steps += 1

    def read(self, batch: int) -> dict[str, float]:
        """The means, the images a second and the share of time spent waiting; then starts anew."""
        elapsed = time.perf_counter() - self._started
        means = {name: total / self._steps for name, total in self._sums.items()}
        speed = {"images_per_s": self._steps * batch / elapsed, "waiting": self._waited / elapsed}
        self._restart()
        return means | speed


def _ship(generator: Generator, style: Path, card: Card, log: Log, seen: int) -> None:
    """Write the style file, and draw the sample sheet as that file would: in eval mode."""
    generator.eval()
    with disk_errors():
        save_style(style, generator, card)
        log.sheet(seen, generator)
    generator.train()


def _next(source: Iterator[Item], stop: StopRequest) -> Item | None:
    """The next batch; None if Ctrl-C, which loading processes get as well, ended those."""
    try:
        return next(source)
    except RuntimeError:
        if stop.requested:
            return None
        raise


def _to_floats(values: Mapping[str, Tensor]) -> dict[str, float]:
    """All at once: each reading of its own would wait for the device."""
    together = torch.stack([value.detach() for value in values.values()]).tolist()
    return dict(zip(values, together, strict=True))


def _check_finite(values: dict[str, float], seen: int, checkpoint: Checkpoint) -> None:
    if all(math.isfinite(value) for value in values.values()):
        return
    found = ", ".join(f"{name} {value:g}" for name, value in values.items())
    good = checkpoint.newest() or "none was written yet"
    raise TrainingError(
        f"Training stopped at {seen} images, where a value is not finite ({found}); "
        f"last good checkpoint: {good}."
    )


def _passed(seen: int, batch: int, every: int) -> bool:
    """Whether a multiple of `every` was reached by the last batch."""
    return seen // every != (seen - batch) // every


def _step_seed(seed: int, rank: int, seen: int) -> int:
    """A step's own draws depend on its position alone: a run that goes on draws what it would have drawn."""
    return int(np.random.SeedSequence((seed, rank, seen)).generate_state(1, np.uint64)[0])
