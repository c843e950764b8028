"""Plans how many pictures and images fit into the remaining time.

The count of a step is decided when it begins, from the remaining time, and recorded in run.json.
Nothing looks at the clock within a step. So a step that ends early leaves its time to the next ones.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from .state import RunState, Speeds

CPU_MINUTES = 60.0  # without --minutes
FIXED_SECONDS = 40.0  # export, previews, loading of networks


class Share(NamedTuple):
    """A step's share of the remaining time of itself and the planned steps after it, and its limits."""

    fraction: float
    least: int
    most: int  # more did not help (docs/experiments.md)

    def of(self, remaining: float) -> float:
        """Return the seconds for this step."""
        return self.fraction * max(0.0, remaining)


SHARES = {  # in 60 minutes on a CPU: 13, 22 and 20 minutes, and the remaining ones
    "targets": Share(0.22, 8, 4000),  # pairs
    "teach": Share(0.45, 16, 120_000),  # images
    "learn": Share(0.47, 16, 160_000),
    "refine": Share(0.85, 16, 80_000),  # fewer than 9,600 leave fills uneven
    "evaluate": Share(1.0, 24, 100),  # photos; two of them once called a good style poor
}
SLOWEST, FASTEST = 0.2, 1.2  # limits of a step's speed, in units of the measured one
ROUND = 32  # images: larger counts of trainings are multiples of it, and so of the batch size


def plan_counts(
    steps: Sequence[str], state: RunState, minutes: float | None, pair_megapixels: float
) -> dict[str, int]:
    """The pictures or images of each of the planned `steps`, as decided or as they would be now.

    `minutes` is the time for the whole run, None for as long as is useful; a pair has `pair_megapixels`.
    """
    assert state.speeds  # measured before
    remaining = seconds_left(state, minutes) - FIXED_SECONDS
    counts = {}
    for step in [step for step in SHARES if step in steps]:
        speed = expected_speed(step, state, pair_megapixels)
        counts[step] = state.counts.get(step) or _decide(SHARES[step], remaining, speed)
        if step not in state.done:
            remaining -= counts[step] / speed
    return counts


def share_seconds(steps: Sequence[str], state: RunState, minutes: float | None) -> dict[str, float]:
    """The seconds of each of the planned `steps`, before the speeds are known; empty without a limit."""
    if minutes is None:
        return {}
    remaining, seconds = seconds_left(state, minutes) - FIXED_SECONDS, dict[str, float]()
    for step in [step for step in SHARES if step in steps]:
        seconds[step] = SHARES[step].of(remaining)
        remaining -= seconds[step]
    return seconds


def _decide(share: Share, remaining: float, speed: float) -> int:
    if math.isinf(remaining):
        return share.most
    count = int(share.of(remaining) * speed)
    if count > 4 * ROUND:
        count = count // ROUND * ROUND
    return min(max(count, share.least), share.most)


def seconds_left(state: RunState, minutes: float | None) -> float:
    """The remaining seconds of the plan; infinite without a limit."""
    return math.inf if minutes is None else 60 * minutes - sum(state.seconds.values())


def expected_speed(step: str, state: RunState, pair_megapixels: float) -> float:
    """Pictures or images of a step in a second: as measured, corrected by the planned step before it.

    The measured speeds are those of an idle machine. A finished step of many minutes shows how much slower
    the busy machine is on average; a measurement of seconds does not.
    """
    assert state.speeds  # measured before
    speed = _measured_speed(step, state.speeds, pair_megapixels)
    order = list(SHARES)
    earlier = [name for name in order[: order.index(step)] if name in state.done and state.seconds.get(name)]
    if not earlier:
        return speed
    last = earlier[-1]
    reached = state.counts[last] / state.seconds[last]
    return speed * min(max(reached / _measured_speed(last, state.speeds, pair_megapixels), SLOWEST), FASTEST)


def _measured_speed(step: str, speeds: Speeds, pair_megapixels: float) -> float:
    value = speeds.target / pair_megapixels if step == "targets" else getattr(speeds, step)
    return max(float(value), 1e-6)
