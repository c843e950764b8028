"""Checkpoints: the state of every part of a phase, in one file that is complete or absent.

They contain no random state: `fit` seeds each step, and each item of data, by its number.
"""

import io
import warnings
from pathlib import Path
from typing import Any, Protocol

import torch

from ..core.atomic import AtomicFile
from ..core.errors import ModelError, TrainingError
from ..models.weights import read_saved
from .errors import disk_errors

KEEP = 2  # the latest, and the one before in case the latest is damaged

_MISFITS = (RuntimeError, LookupError, ValueError, TypeError, AttributeError, OverflowError)


class Part(Protocol):
    """A network, an optimiser: anything with a state of tensors, numbers and strings."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Checkpoint:
    """The parts of a phase, saved and restored together, with the number of images seen."""

    def __init__(self, folder: Path, **parts: Part) -> None:
        self.folder, self.parts = folder, parts

    def save(self, images: int) -> None:
        """Write `checkpoint-<images>.pt` and remove all but the latest two.

        Raises:
            WriteError: the disk is full or cannot be written; earlier checkpoints are kept.
        """
        # Packed in memory first: a full disk then raises an OSError here, and not an error of torch's writer.
        packed = io.BytesIO()
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        torch.save({"images": images, "parts": parts}, packed)
        path = self.folder / f"checkpoint-{images:09d}.pt"
        with disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            with AtomicFile(path, overwrite=True) as pending:
                pending.path.write_bytes(packed.getbuffer())
            for old in self._files()[:-KEEP]:
                old.unlink()

    def load_latest(self) -> int:
        """Restore the latest readable checkpoint; returns the number of images seen, 0 if there is none.

        Damaged later checkpoints are removed, because they would count among the ones to keep.

        Raises:
            TrainingError: there are checkpoints, but none can be read, or they are of other networks; or the
                system cannot read one.
            MemoryError: there is too little memory for one.
        """
        files, damaged = self._files(), []
        for path in reversed(files):
            try:
                images, states = self._read(path)
            except ModelError as error:
                if isinstance(error.__cause__, FileNotFoundError):  # another process has removed it
                    continue
                if isinstance(error.__cause__, OSError):  # the file may be good
                    raise TrainingError(str(error)) from error
                rest = "and there is none before it" if path == files[0] else "using the one before"
                warnings.warn(f"A damaged checkpoint, {rest}: {error}", stacklevel=2)
                damaged.append(path)
                continue
            self._restore(path, states)
            with disk_errors():
                for damaged_path in damaged:
                    damaged_path.unlink(missing_ok=True)  # another process may have been faster
            return images
        if files:
            raise TrainingError(f"No checkpoint in {self.folder} can be read; remove them to start again.")
        return 0

    def latest(self) -> Path | None:
        """The last checkpoint that was written, if there is one."""
        return next(reversed(self._files()), None)

    def _read(self, path: Path) -> tuple[int, dict[str, Any]]:
        saved = read_saved(path)
        try:
            return int(saved["images"]), {name: saved["parts"][name] for name in self.parts}
        except _MISFITS as error:
            raise ModelError(f"{path} is no checkpoint of this phase.") from error

    def _restore(self, path: Path, states: dict[str, Any]) -> None:
        try:
            for name, part in self.parts.items():
                part.load_state_dict(states[name])
        except _MISFITS as error:
            raise TrainingError(
                f"{path} is of other networks: pass the --preset, --model and --width that it was made with."
            ) from error

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("checkpoint-*.pt"))
