"""The steps of benchmarks/gpu.py, in order: `measure_NAME` in a module of this folder returns JSON values.

Most valuable first: whether it is right, then the figures that are wanted, then what explains them.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """The module of a step, the seconds that it may take, and what an H100 or H200 should reach."""

    module: str
    seconds: float
    wanted: dict[str, float] | None = None


STEPS = {
    "environment": Step("checks", 30),
    "tests": Step("checks", 100),
    "matrix": Step("networks", 30),
    "network": Step("networks", 50, {"of_matrix_rate": 0.6}),
    "style": Step("networks", 50, {"frames_per_s": 1000}),
    "chain": Step("conversion", 50, {"frames_per_s": 400}),
    "graphs": Step("graphs", 80),
    "padding": Step("padding", 20),
    "effects": Step("conversion", 80),
    "training": Step("training", 110, {"crops_per_s": 3000}),
    "profile": Step("networks", 40),
}
"""Together 640 s if all of them need all of their time. Of nine minutes the last ones get what is left."""


@dataclass(frozen=True)
class Sizes:
    """How large the work is."""

    lines: tuple[int, int] = (1080, 1920)
    width: int = 64
    batch: int = 8
    matrix: int = 8192
    rounds: int = 5
    crops: int = 20_000


TINY = Sizes(lines=(48, 64), width=4, batch=2, matrix=64, rounds=2, crops=32)
"""It only shows that a step works."""


@dataclass(frozen=True)
class StepOptions:
    """What a step gets: the folder for its files, the device, and how large the work is.

    `seconds` is its time limit.
    """

    out: Path
    device: str
    sizes: Sizes
    is_tiny: bool
    seconds: float
