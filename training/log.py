"""The log of a phase: a line for people, a line of JSON, TensorBoard events, sample sheets."""

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import torch
from PIL import Image as Pillow

from ..core.atomic import AtomicFile
from ..core.errors import MediaError
from ..core.frames import Image
from ..models import FrameModel, Generator
from .errors import disk_errors
from .events import EventFile


class Watcher(Protocol):
    """Receives the progress of a training, in place of the lines that it prints."""

    def show_images(self, images: int, total: int, speed: float) -> None:
        """Images seen, of how many, and how many a second."""
        ...

    def show_sheet(self, sheet: Path) -> None:
        """A sample sheet was written."""
        ...


class Log:
    """`stats.jsonl`, event files and `samples/` in a phase's folder.

    A run that resumes at `seen` images drops later records, as it repeats those steps. With a `watcher`,
    nothing is printed.
    """

    def __init__(
        self, folder: Path, seen: int, samples: Sequence[Image], watcher: Watcher | None = None
    ) -> None:
        self.folder, self.samples, self.watcher = folder, samples, watcher
        with disk_errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._stats = folder / "stats.jsonl"
            _drop_after(self._stats, seen)
        self._events = EventFile(folder, seen)

    def record(self, images: int, total: int, values: Mapping[str, float]) -> None:
        """Log scalars at a number of images seen, and print them."""
        rounded = {name: float(f"{value:.5g}") for name, value in values.items()}
        with disk_errors(self._stats), self._stats.open("a") as file:
            file.write(json.dumps({"images": images, **rounded}) + "\n")
        self._events.add_scalars(values, images)
        self._events.flush()
        if self.watcher:
            self.watcher.show_images(images, total, values["images_per_s"])
            return
        text = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        with suppress(OSError):  # a terminal that was closed, or a full disk, costs no training
            print(f"{images:,} of {total:,} images  {text}", flush=True)  # noqa: T201  # the line for people

    def write_sheet(self, images: int, generator: Generator) -> None:
        """Write `samples/<images>.png`: each sample photo beside its drawing, one row a photo."""
        if not self.samples:
            return
        rows = [np.hstack([photo, draw(generator, photo)]) for photo in self.samples]
        sheet = np.vstack(rows)
        folder = self.folder / "samples"
        folder.mkdir(exist_ok=True)
        path = folder / f"{images:09d}.png"
        with AtomicFile(path, overwrite=True) as pending:
            Pillow.fromarray(sheet).save(pending.path)
        if self.watcher:
            self.watcher.show_sheet(path)
        self._events.add_picture("samples", sheet, images)
        self._events.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # On a full disk closing fails too; that must not hide the first error.
        with suppress(MediaError) if error else nullcontext():
            self._events.close()


@torch.no_grad()
def draw(generator: Generator, photo: Image) -> Image:
    """The generator's output for a photo; in eval mode it is the output of the style file."""
    device = next(generator.parameters()).device
    pictures = torch.from_numpy(photo.copy())[None].to(device)
    return FrameModel(generator)(pictures)[0].cpu().numpy()  # type: ignore[no-any-return]


def _drop_after(stats: Path, seen: int) -> None:
    """Remove the records of more than `seen` images, and an incomplete last line."""
    if not stats.exists():
        return
    kept = []
    for line in stats.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            if json.loads(line)["images"] <= seen:
                kept.append(line + "\n")
        except (ValueError, LookupError, TypeError, RecursionError):
            warnings.warn(f"A damaged line of {stats} was dropped.", stacklevel=3)
    with AtomicFile(stats, overwrite=True) as pending:
        pending.path.write_text("".join(kept), encoding="utf-8")
