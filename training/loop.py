"""The only training loop: every phase brings its step, and `fit` does the rest."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..models import Generator
from ..models.checkpoint import Card, save_style
from .checkpoint import Checkpoint, Part


class Phase(Protocol):
    """A way of training: what it holds, and what it does with a batch."""

    generator: Generator

    def parts(self) -> Mapping[str, Part]:
        """All that a checkpoint has to hold."""
        ...

    def step(self, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        """Learn from one batch; `progress` runs from 0 to 1. Returns scalar losses by name."""
        ...


def fit(
    phase: Phase,
    batches: Any,               # a function: images seen -> iterator of batches from there on
    run: Path,                  # the run folder
    *,
    images: int,                # images to see in all
    batch: int,                 # images a step
    card: Card,                 # of the style file, renewed at every checkpoint
    log_every: int = 1600,      # images
    save_every: int = 32000,    # images
) -> None:  # fmt: skip
    """Train until `images` have been seen; the same call on the same folder goes on where it stopped."""
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(run / "checkpoints", **phase.parts())
    seen = checkpoint.load_latest()
    source: Iterator[list[Tensor]] = batches(seen)
    sums: dict[str, float] = {}
    started, waited, steps = time.perf_counter(), 0.0, 0

    while seen < images:
        asked = time.perf_counter()
        samples = next(source)
        waited += time.perf_counter() - asked

        losses = phase.step(samples, seen / images)
        seen, steps = seen + batch, steps + 1
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + float(value)

        if seen // log_every != (seen - batch) // log_every:
            elapsed = time.perf_counter() - started
            record = {name: round(total / steps, 5) for name, total in sums.items()}
            record |= {"images": seen, "images_per_s": round(steps * batch / elapsed, 1)}
            record |= {"waiting": round(waited / elapsed, 3)}
            with (run / "stats.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
            print(json.dumps(record), flush=True)  # noqa: T201  # the line for people
            sums, started, waited, steps = {}, time.perf_counter(), 0.0, 0

        if seen // save_every != (seen - batch) // save_every or seen >= images:
            checkpoint.save(seen)
            phase.generator.eval()
            save_style(run / "style.safetensors", phase.generator, card)
            phase.generator.train()


def to_unit(pictures: Tensor, device: torch.device) -> Tensor:
    """uint8 -> [-1, 1], channels-last, on the device."""
    moved = pictures.to(device, non_blocking=True)
    return (moved.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
