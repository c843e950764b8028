"""Signals that have to wait."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def defer_signals() -> Iterator[None]:
    """Within the block no signal interrupts; one that came is raised when it ends.

    It is for a few short steps which belong together, such as renaming a file and removing its drafts. In
    another thread than the main one nothing is done, as Python runs the handlers of signals in that only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    met: list[int] = []
    before: dict[int, Any] = {}
    for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
        if callable(signal.getsignal(number)):
            before[number] = signal.signal(number, lambda number, _: met.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if met:
            signal.raise_signal(met[0])
