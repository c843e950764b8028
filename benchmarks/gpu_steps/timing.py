"""The device, and times on it."""

import statistics
import time
from collections.abc import Callable
from itertools import repeat
from typing import Any

WARM_UP = 0.3  # seconds


def choose(name: str) -> Any:
    """Return the torch.device of a name."""
    from cartoonize.backends.pytorch.device import choose_device

    return choose_device(name)


def name_of(device: Any) -> str:
    """Return what people call a device."""
    from cartoonize.backends.pytorch.hardware import device_name

    return device_name(device)


def median_seconds(work: Callable[[], object], device: Any, rounds: int) -> float:
    """Return the median time of a call, after some that are not counted."""
    from cartoonize.backends.pytorch.device import synchronize

    def once() -> None:
        work()
        synchronize(device)

    once()  # libraries prepare themselves
    ends = time.perf_counter() + WARM_UP  # a GPU raises its clock rate under load only
    while time.perf_counter() < ends:
        once()
    return statistics.median(timed(once) for _ in repeat(None, rounds))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
