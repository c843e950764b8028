"""The only training loop: each phase defines a step, and `fit` does the rest."""

import copy
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
from ..models.checkpoint import save_style
from ..styles.card import Card
from .checkpoint import Checkpoint, Part
from .data import Batches, Item
from .errors import disk_errors
from .log import Log, Watcher

CLOCK = 1e-9  # seconds: the least time between two readings, which some clocks round to 0


class Phase(Protocol):
    """A phase of training: its networks, and its step on a batch."""

    def parts(self) -> Mapping[str, Part]:
        """Everything that a checkpoint must hold."""
        ...

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from one batch; `progress` runs from 0 to 1. Returns scalars to log, by name."""
        ...


def fit(
    phase: Phase,
    generator: Generator,      # the phase's, which the style file holds
    batches: Batches,
    folder: Path,              # of checkpoints, statistics and sample sheets
    *,
    images: int,               # in total
    style: Path,               # the style file, rewritten at every checkpoint
    card: Card,                # the style file's
    samples: Sequence[Image],  # photos of the sample sheets
    seed: int = 0,
    log_every: int = 400,      # images
    save_every: float = 600,   # seconds: the most that a crash can cost
    watcher: Watcher | None = None,  # receives the progress; without one it is printed
) -> None:  # fmt: skip
    """Train until `images` have been seen; the same call on the same folder resumes.

    Raises:
        TrainingError: a loss or a gradient is not finite, data cannot be read, the disk cannot be written, or
            another process was stopped.
        SpaceError: the disk is full.
        Stopped: a signal asked the program to end; the current step is completed and saved. In a program with
            its own signal handlers, what those raise: KeyboardInterrupt for Ctrl-C.
    """
    checkpoint = Checkpoint(folder / "checkpoints", **phase.parts())
    seen, group = checkpoint.load_latest(), batches.group
    if group.rank == 0 and not style.exists():
        with disk_errors():
            style.parent.mkdir(parents=True, exist_ok=True)
            save_style(style, generator, card)
    if seen >= images:
        return

    def save(log: Log) -> None:
        # A run killed between the two resumes before this step and writes the style again.
        _write_style(generator, style, card, log, seen)
        checkpoint.save(seen)

    meter, saved = TrainingMeter(), time.perf_counter()
    with (
        StopRequest() as stop,
        Log(folder, seen, samples, watcher) if group.rank == 0 else nullcontext() as log,
        closing(batches.start_at(seen)) as source,
    ):
        while seen < images:
            with meter.waiting():
                batch = _next(source, stop)
            if group.any(stop.requested) or batch is None:
                break

            torch.manual_seed(_step_seed(seed, group.rank, seen))
            losses = phase.step(batch, seen / images)
            meter.add(_to_floats(losses))
            seen += batches.size
            _check_finite(meter.last, seen, checkpoint)

            if log and _passed(seen, batches.size, log_every):
                log.record(seen, images, meter.read(batches.size) | {"skipped": batches.skipped})

            if log and seen < images and time.perf_counter() - saved >= save_every:
                save(log)
                saved = time.perf_counter()

        if log:
            save(log)
    if seen < images:  # in another process; a signal of this one was raised at the end of the block
        raise TrainingError(
            f"The training was stopped at {seen:,} of {images:,} images: run the same command to resume."
        )


class TrainingMeter:
    """Means since the last reading, the speed, and the share of time spent waiting for data."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}
        self._restart()

    def _restart(self) -> None:
        self._sums, self._counts = Counter[str](), Counter[str]()  # some losses begin within a period
        self._steps, self._waited, self._started = 0, 0.0, time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of the `with` block as waiting."""
        started = time.perf_counter()
        yield
        self._waited += time.perf_counter() - started

    def add(self, values: dict[str, float]) -> None:
        """Count a step."""
        self.last = values
        self._sums.update(values)
        self._counts.update(values.keys())
        self._steps += 1

    def read(self, batch: int) -> dict[str, float]:
        """The means, the images a second and the share of time spent waiting; starts the next period."""
        elapsed = max(time.perf_counter() - self._started, CLOCK)
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        speed = {"images_per_s": self._steps * batch / elapsed, "waiting": self._waited / elapsed}
        self._restart()
        return means | speed


def _write_style(generator: Generator, style: Path, card: Card, log: Log, seen: int) -> None:
    """Write the style file, and the sample sheet as that file draws it: in eval mode."""
    with disk_errors():
        save_style(style, generator, card)
        # A copy is not compiled: that would take minutes for these few pictures.
        log.write_sheet(seen, copy.deepcopy(generator).eval())


def _next(source: Iterator[Item], stop: StopRequest) -> Item | None:
    """The next batch; None if Ctrl-C, which the loading processes receive too, ended them."""
    try:
        return next(source)
    except RuntimeError:
        if stop.requested:
            return None
        raise


def _to_floats(values: Mapping[str, Tensor]) -> dict[str, float]:
    """All values in one transfer: each separate one would wait for the device."""
    numbers = torch.stack([value.detach() for value in values.values()]).tolist()
    return dict(zip(values, numbers, strict=True))


def _check_finite(values: dict[str, float], seen: int, checkpoint: Checkpoint) -> None:
    if all(math.isfinite(value) for value in values.values()):
        return
    listed = ", ".join(f"{name} {value:g}" for name, value in values.items())
    good = checkpoint.latest() or "none was written yet"
    raise TrainingError(
        f"Training stopped at {seen} images, as a value is not finite ({listed}); last good checkpoint: "
        f"{good}. Start another run from this style (--start) with a lower learning rate or other weights."
    )


def _passed(seen: int, batch: int, every: int) -> bool:
    """Whether the last batch reached a multiple of `every`."""
    return seen // every != (seen - batch) // every


def _step_seed(seed: int, rank: int, seen: int) -> int:
    """A step's random numbers depend on its position alone, so that a resumed run has the same ones."""
    return int(np.random.SeedSequence((seed, rank, seen)).generate_state(1, np.uint64)[0])
