"""The settings of a phase of a run, and the `settings.json` that a run remembers them by."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from ..core.atomic import AtomicFile
from ..core.errors import TrainingError
from ..styles.card import Card
from .recipe import PhaseName, Recipe

FILE = "settings.json"

# Settings that may not change when a run resumes: they decide its result.
FIXED = ("phase", "recipe", "photos", "style", "smoothed", "targets", "start", "scratch", "seed")

RENAMED = {"settle": "freeze_batch_norm_at", "late": "late_losses_at"}  # in settings.json of version 0.1


@dataclass(frozen=True, slots=True)
class Settings:
    """A phase of a run. Only the settings of the second half may change when the run resumes."""

    phase: PhaseName
    recipe: Recipe
    photos: Path
    style: Path | None = None  # drawings
    smoothed: Path | None = None  # their edge-smoothed copies; made on the fly without them
    targets: Path | None = None  # the redrawn photos, under the same names
    start: Path | None = None  # a style file to start from
    scratch: bool = False  # start the adversarial phase without a pretrained generator
    seed: int = 0

    run: Path = Path("run")
    features: Path | None = None
    images: int | None = None  # in total; the recipe's epochs if None
    device: str = "auto"
    precision: str = "auto"
    compiled: bool | None = None
    workers: int = 0
    log_every: int = 400  # images
    save_every: float = 600  # seconds
    card: Card = field(default_factory=Card)

    @property
    def folder(self) -> Path:
        """The folder of the phase's files."""
        return self.run / self.phase

    def total_images(self, photos: int) -> int:
        """Images to see in total, where an epoch is `photos` images."""
        schedule = self.recipe.schedule(self.phase)
        return self.images or (schedule.epochs + schedule.fade) * photos

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, with paths as text."""
        values = msgspec.to_builtins(self, enc_hook=str)
        return json.loads(json.dumps(values))  # type: ignore[no-any-return]  # tuples become lists

    def write(self) -> None:
        """Write `settings.json` into the phase's folder.

        Raises:
            OSError, MediaError: the disk cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with AtomicFile(self.folder / FILE, overwrite=True) as pending:
            pending.path.write_text(json.dumps(self.to_json(), indent=2), encoding="utf-8")

    def check_unchanged(self) -> None:
        """Compare with the settings that the phase's folder was started with.

        Raises:
            TrainingError: a setting differs that decides the result.
        """
        earlier = read_settings(self.folder)
        differences = _find_differences(earlier, self.to_json()) if earlier else []
        if differences:
            raise TrainingError(
                f"{self.folder} was started with other settings ({'; '.join(sorted(differences))}): repeat "
                f"those, or name another --run."
            )

    def complete_card(self, images: int, photos: int, losses: tuple[str, ...]) -> Card:
        """The card, with the run's name and a summary of the recipe where it states none."""
        weights = self.recipe.weights
        factors = ", ".join(f"{name} {getattr(weights, name):g}" for name in losses if getattr(weights, name))
        summary = (
            f"{self.phase}: {images:,} images from {photos:,} photos, batch {self.recipe.batch}, "
            f"{self.recipe.size} px, losses {factors}, seed {self.seed}"
        )
        return replace(self.card, name=self.card.name or self.run.name, recipe=self.card.recipe or summary)


def read_settings(folder: Path) -> dict[str, Any] | None:
    """The settings that a phase's folder was started with, as JSON values; None if it has none.

    Raises:
        TrainingError: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        values["recipe"] = {RENAMED.get(name, name): value for name, value in values["recipe"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise TrainingError(f"{path} is damaged: remove it, or name another --run.") from error
    return values


def _find_differences(earlier: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Differences of the fixed settings and the recipe's, such as "weights.line 5.0, not 7.0"."""
    old, new = (
        {name: values.get(name) for name in FIXED if name != "recipe"} | _flatten(values["recipe"])
        for values in (earlier, now)
    )
    names = [name for name in new | old if old.get(name) != new.get(name)]
    return [f"{name} {old.get(name)}, not {new.get(name)}" for name in names]


def _flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of a table and of those in it, by names such as "weights.line"."""
    values: dict[str, Any] = {}
    for name, value in table.items():
        inner = _flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        values |= inner
    return values
