"""Detects the key q on the terminal, which ends a live conversion."""

import os
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

if sys.platform == "win32":
    import msvcrt

    class QuitKey:
        """Tells by `pressed` whether q was pressed within its `with` block."""

        def pressed(self) -> bool:
            """Whether q was pressed since the last call."""
            return any(msvcrt.getwch() in "qQ" for _ in iter(msvcrt.kbhit, False))

        def restore(self) -> None:
            """Nothing was changed."""

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

    class QuitKey:
        """Tells by `pressed` whether q was pressed within its `with` block.

        The terminal delivers each key at once meanwhile, without Enter. Where standard input is no terminal,
        or one that belongs to another program, no key is ever pressed.
        """

        def __init__(self) -> None:
            self._terminal: int | None = None
            self._settings: list[Any] = []

        def pressed(self) -> bool:
            """Whether q was pressed since the last call."""
            if self._terminal is None or not select.select([self._terminal], [], [], 0)[0]:
                return False
            typed = b""
            with suppress(OSError):
                typed = os.read(self._terminal, 100)
            if not typed:  # the terminal was closed
                self._terminal = None
            return b"q" in typed.lower()

        def restore(self) -> None:
            """Give the terminal its settings back, before the end of the block."""
            if self._terminal is not None:
                terminal, self._terminal = self._terminal, None
                with suppress(termios.error):  # the terminal was closed
                    termios.tcsetattr(terminal, termios.TCSADRAIN, self._settings)

        def __enter__(self) -> Self:
            if sys.stdin is not None and sys.stdin.isatty():
                terminal = sys.stdin.fileno()
                if _may_change(terminal):
                    self._settings = termios.tcgetattr(terminal)
                    self._terminal = terminal
                    tty.setcbreak(terminal)
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            self.restore()

    def _may_change(terminal: int) -> bool:
        """Whether this process may set the terminal: the system stops a background job that tries."""
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        except OSError:  # it is not the controlling terminal
            return True
