"""Parsers of option values of `train`: factors of losses, a card, a number of processes."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from ...core import cpus
from ...core.errors import TrainingError
from ...core.messages import did_you_mean
from ...core.structs import build
from ...styles.card import Card
from ...training.recipe import PhaseName

MAX_LOADERS = 8  # processes that load pictures; eight keep up with any one GPU


def weights_of_phase(phase: PhaseName, weights: Sequence[str] | None) -> list[str]:
    """The NAME=VALUE options whose loss the phase has."""
    from ...training.run import LOSSES

    return [text for text in weights or [] if text.partition("=")[0] in LOSSES[phase]]


def parse_weight(text: str, phase: PhaseName) -> tuple[str, float]:
    """The name and the factor of a NAME=VALUE option.

    Raises:
        TrainingError: the phase has no such loss, or the value is not a number of 0 or more.
    """
    from ...training.run import LOSSES

    name, _, value = text.partition("=")
    if name not in LOSSES[phase]:
        raise TrainingError(
            f"The phase {phase} has no loss {name!r}: choose {', '.join(LOSSES[phase])}."
            f"{did_you_mean(name, LOSSES[phase])}"
        )
    try:
        factor = float(value)
    except ValueError:
        factor = math.nan
    if not 0 <= factor < math.inf:
        raise TrainingError(f"--weight {text} must be {name}=NUMBER, with a number of 0 or more.")
    return name, factor


def read_card(path: Path | None) -> Card:
    """The card of a JSON file; an empty one without a file.

    Raises:
        TrainingError: the file cannot be read, a key is unknown, or a value has the wrong type.
    """
    if path is None:
        return Card()
    try:
        return build(Card, json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise TrainingError(f"Cannot read the card {path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # of JSON, of UTF-8 or of the card
        raise TrainingError(f"The card {path} is not valid: {error}") from error


def count_loaders(workers: int | None) -> int:
    """The number of processes that load pictures: `workers`, or one per core, as more would only wait."""
    return min(MAX_LOADERS, cpus.count_cores()) if workers is None else workers
