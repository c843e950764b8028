"""The display of `train run`: the step, its progress, the remaining time, and the newest sample sheet."""

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..console import console_of, escape, literal_text, print_message, shows_progress
from ..progress import make_bars

if TYPE_CHECKING:
    from rich.console import RenderableType

LINES = 10  # that a step prints where there is no terminal


class RunDisplay:
    """A bar for the step on a terminal, and lines elsewhere."""

    def __init__(self) -> None:
        from rich.live import Live

        console = console_of(sys.stderr)
        self._is_terminal = shows_progress()
        self._bars = make_bars("{task.fields[state]}", bar_width=10 if console.width < 100 else 30)
        self._step = self._bars.add_task("", total=None, state="")
        self._sheet: Path | None = None
        self._live = Live(console=console, transient=True, get_renderable=self._render)
        self._title, self._seconds_left, self._began, self._tenth = "", 0.0, time.monotonic(), 0
        self._is_time_known = False

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def begin_step(self, title: str, number: int, steps: int, seconds_left: float | None) -> None:
        """Show the title of a step."""
        self._title, self._began, self._tenth = f"{number}/{steps} {title}", time.monotonic(), 0
        self._is_time_known, self._seconds_left = seconds_left is not None, seconds_left or 0.0
        self._bars.reset(self._step, total=None, description=self._title, state=self._time_left())
        if not self._is_terminal:
            print_message(escape(" ".join(filter(None, (f"{self._title}.", self._time_left())))))

    def show_pictures(self, done: int, total: int) -> None:
        """Move the bar of a step that works on pictures."""
        self._move(done, total, " pictures")

    def show_images(self, images: int, total: int, speed: float) -> None:
        """Move the bar of a training."""
        self._move(images, total, f", {speed:.0f}/s")

    def show_sheet(self, sheet: Path) -> None:
        """Show where the newest sheet is."""
        self._sheet = sheet
        if not self._is_terminal:
            print_message(escape(f"Newest sheet: {sheet}"))

    def show_note(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        print_message(escape(sentence))

    def _render(self) -> "RenderableType":
        """The bar of the step, and below it the newest sheet, whose path may need several lines."""
        from rich.console import Group

        sheet = [literal_text(f"Newest sheet: {self._sheet}", overflow="fold")] if self._sheet else []
        return Group(self._bars, *sheet)

    def _move(self, done: int, total: int, suffix: str) -> None:
        count = f"{done:,}/{total:,}{suffix}"
        state = ", ".join(filter(None, (count, self._time_left())))
        self._bars.update(self._step, total=total, completed=done, state=state)
        tenth = LINES * done // max(total, 1)
        if not self._is_terminal and tenth != self._tenth:
            print_message(escape(f"{self._title}: {state}"))
        self._tenth = tenth

    def _time_left(self) -> str:
        """The time until the end of the run, in words; empty if it is not known."""
        if not self._is_time_known:
            return ""
        left = max(0.0, self._seconds_left - (time.monotonic() - self._began))
        if left < 60:
            return "less than a minute left"
        minutes = round(left / 60)
        hours = f"{minutes // 60} h " if minutes >= 60 else ""
        return f"{hours}{minutes % 60} min left"
