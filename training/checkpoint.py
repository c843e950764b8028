"""What a run needs to go on: the state of every part, in one file that is whole or absent."""

import warnings
from pathlib import Path
from typing import Any, Protocol

import torch

KEEP = 2  # the newest, and the one before in case the newest is damaged


class Part(Protocol):
    """A network, an optimiser: anything with a state."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Checkpoint:
    """The parts of a run, saved and restored together, with the number of images seen."""

    def __init__(self, folder: Path, **parts: Part) -> None:
        self.folder, self.parts = folder, parts

    def save(self, images: int) -> None:
        """Write `checkpoint-<images>.pt` and drop all but the newest two."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {name: part.state_dict() for name, part in self.parts.items()}
        path = self.folder / f"checkpoint-{images:09d}.pt"
        temporary = path.with_suffix(".tmp")
        torch.save({"images": images, "random": torch.get_rng_state(), "parts": state}, temporary)
        temporary.replace(path)
        for old in self._files()[:-KEEP]:
            old.unlink()

    def load_latest(self) -> int:
        """Restore the newest checkpoint that can be read; the number of images seen, 0 for none."""
        for path in reversed(self._files()):
            try:
                saved = torch.load(path, map_location="cpu", weights_only=True)
                for name, part in self.parts.items():
                    part.load_state_dict(saved["parts"][name])
                torch.set_rng_state(saved["random"])
                return int(saved["images"])
            except (RuntimeError, OSError, KeyError, ValueError, EOFError) as error:
                warnings.warn(f"{path} is damaged ({error}); trying the one before.", stacklevel=2)
        return 0

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("checkpoint-*.pt"))
