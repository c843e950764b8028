"""Signals that ask the program to end: the first one ends it cleanly, the second one at once.

No other module sets a handler. The program calls `exit_at_once`, then the command line `install`. A block
that must not be interrupted runs in `defer_signals`, a loop that stops after a whole step in a `StopRequest`.
Signals that the process ignores, as under `nohup`, stay ignored.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from .errors import Stopped

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C, `kill`, and a terminal that closes. Windows has no SIGHUP."""

_REPEAT = 0.2
"""Seconds in which further signals count as the first one: `timeout` sends its signal to a process and to its
group, a shell that ends repeats the system's SIGHUP, and systemd may send SIGHUP after SIGTERM."""
_SHOW_CURSOR = b"\x1b[?25h"

_installed = False
_waiting_for_repeats = False


def exit_at_once() -> None:
    """Let a signal end the process while it imports its modules, when there is nothing to clean up.

    An exception would not do: callbacks of the import system swallow it and print a traceback.
    """
    _set_handlers(_exit)


def install() -> None:
    """Let a signal raise `Stopped` in the main thread, so that all `finally` blocks run.

    For the command line only, because the handlers belong to the whole process. While the program cleans up,
    the handlers are the system's: the next signal ends it, even inside a library that does not return.
    """
    global _installed  # noqa: PLW0603  # of the process, as its handlers are
    _installed = True
    _set_handlers(_stop)


class StopRequest:
    """Within its `with` block a signal only sets `requested`; it is raised at the end of the block.

    So a loop can end after a whole step, and complete what it writes. An error of the block takes the place
    of the signal. A second signal during the block ends the process at once; in a program that did not call
    `install`, it meets the handler that was there before the block. In other threads than the main one the
    block has no effect, as Python runs signal handlers in that thread only.

    Args:
        on_request: called in the main thread when the first signal comes.
    """

    def __init__(self, on_request: Callable[[], None] = lambda: None) -> None:
        self._on_request = on_request
        self._number: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return self._number is not None

    def begin(self) -> None:
        """Begin the block."""
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                if callable(signal.getsignal(number)):
                    self._before[number] = signal.signal(number, self._note)

    def end(self) -> None:
        """End the block, and raise the signal that came."""
        self._restore()
        if self._number is not None:
            signal.raise_signal(self._number)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.end()
        else:
            self._restore()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if not _installed:
            self._restore()
        elif not _is_first(self._before):
            return
        self._number = number
        self._on_request()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@contextmanager
def defer_signals() -> Iterator[None]:
    """As a `StopRequest`, but the signal is raised even if the block raises an error.

    For a few short steps that belong together, such as renaming a file and removing its drafts.
    """
    request = StopRequest()
    request.begin()
    try:
        yield
    finally:
        request.end()


@contextmanager
def preserve_handlers() -> Iterator[None]:
    """Restore the handlers at the end of the block, in which a library may set its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _set_handlers(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, _frame: FrameType | None) -> None:
    if sys.stderr is not None:
        with suppress(OSError):  # the terminal was closed
            os.write(sys.stderr.fileno(), b"Stopped.\n")
    os._exit(128 + number)


def _stop(number: int, _frame: FrameType | None) -> None:
    if _is_first(number for number in STOP_SIGNALS if signal.getsignal(number) == _stop):
        raise Stopped(number)


def _is_first(numbers: Iterable[int]) -> bool:
    """Wait until repeats of the first signal are over, then let the next one end the process.

    Returns False for a repeat.
    """
    global _waiting_for_repeats  # noqa: PLW0603  # Python runs the handler of a repeat inside this one
    if _waiting_for_repeats:
        return False
    _waiting_for_repeats = True
    try:
        time.sleep(_REPEAT)
    finally:
        _waiting_for_repeats = False
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    if os.name == "posix" and sys.stderr is not None and sys.stderr.isatty():
        os.write(sys.stderr.fileno(), _SHOW_CURSOR)  # which progress bars hide
    return True
