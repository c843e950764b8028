"""How people end what has no end of its own: q on the terminal, Ctrl-C, `kill`."""

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any, Self

from ..core.errors import Stopped


class Signals:
    """Within its `with` block a signal is a wish to end, which `ended` tells, and raised at the end.

    What is recorded can thus be completed. What was ignored before, as by `nohup`, still is.
    """

    _NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self) -> None:
        self._met: int | None = None
        self._before: dict[int, Any] = {}

    def ended(self) -> bool:
        """Whether one came."""
        return self._met is not None

    def __enter__(self) -> Self:
        for number in (getattr(signal, name) for name in self._NAMES if hasattr(signal, name)):
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._met is not None and error is None:
            raise Stopped(self._met)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._met = number


if sys.platform == "win32":
    import msvcrt

    class Keys:
        """Within its `with` block the terminal is asked for keys; `ended` tells whether q was pressed."""

        def ended(self) -> bool:
            """Whether q was pressed."""
            return any(msvcrt.getwch() in "qQ" for _ in iter(msvcrt.kbhit, False))

        def __enter__(self) -> Self:
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            """Nothing was changed."""

else:
    import select
    import termios
    import tty

    class Keys:
        """Within its `with` block the terminal gives each key at once; `ended` tells whether q was pressed.

        Where standard input is no terminal, or one that another program uses, nothing is pressed.
        """

        def __init__(self) -> None:
            self._terminal: int | None = None
            self._before: list[Any] = []

        def ended(self) -> bool:
            """Whether q was pressed."""
            if self._terminal is None or not select.select([self._terminal], [], [], 0)[0]:
                return False
            typed = os.read(self._terminal, 100)
            if not typed:  # the terminal was closed
                self._terminal = None
            return b"q" in typed.lower()

        def __enter__(self) -> Self:
            if sys.stdin is not None and sys.stdin.isatty():
                terminal = sys.stdin.fileno()
                if _is_given(terminal):
                    self._terminal, self._before = terminal, termios.tcgetattr(terminal)
                    tty.setcbreak(terminal)
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            if self._terminal is not None:
                termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    def _is_given(terminal: int) -> bool:
        """Whether it may be changed: by a job in the background it may not, and who tries is stopped."""
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        except OSError:  # it is not the one that controls jobs
            return True
