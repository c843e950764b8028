"""Progress on a terminal: bars, spinners and a status line on stderr. Elsewhere nothing is shown."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from .console import console_of, escape, escape_controls, shows_progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")


def make_bars(*texts: str, bar_width: int, shows_rest: bool = False, transient: bool = False) -> "Progress":
    """Bars, each after its `task.description` and before `texts` and, if wanted, the time that is left.

    They are disabled where nothing is shown.
    """
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    console = console_of(sys.stderr)
    name = Column(no_wrap=True, overflow="ellipsis", max_width=max(10, console.width - bar_width - 40))
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=bar_width),
        *(TextColumn(text, markup=False) for text in texts),
    ]
    if shows_rest:
        columns.append(TimeRemainingColumn())
    return Progress(*columns, console=console, transient=transient, disable=not shows_progress())


def _bar_width() -> int:
    """Columns of a bar. In a narrow terminal the name of the file needs them more."""
    width = console_of(sys.stderr).width
    return 40 if width >= 100 else 20 if width >= 75 else 8


class ProgressBars:
    """Progress bars on a terminal, nothing elsewhere: one for each running file and, for several files, one
    for all.

    Args:
        sizes: how much work each file is, in any unit. By them the bar of all moves within a file and
            estimates the time that is left.
        removes_done: remove the bar of a file once it is done; always so for several `sizes`.
    """

    def __init__(self, sizes: Sequence[int] = (), *, removes_done: bool = False) -> None:
        self._bars = make_bars(
            "{task.fields[count]}", "{task.fields[rate]}", bar_width=_bar_width(), shows_rest=True
        )
        self._sizes, self._files_done, self._work_done = list(sizes), 0, 0.0
        self._all = self._bars.add_task(
            "all", total=sum(sizes), visible=len(sizes) > 1, rate="", count=f"0/{len(sizes)} files"
        )
        self._removes_done = removes_done or len(sizes) > 1

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def file(self, name: str, total: int | None, unit: str = "frames") -> Iterator[Callable[[int], None]]:
        """Show a file of `total` frames. Yields a function that takes the number of frames done so far.

        The bar of a single frame moves back and forth until it is done.
        """
        of = "" if total is None else f"/{total}"
        label = escape_controls(Path(name).name)
        number = self._bars.add_task(
            label, total=None if total == 1 else total, rate="", count=f"0{of} {unit}" if total != 1 else ""
        )
        task = next(task for task in self._bars.tasks if task.id == number)

        def show_frames(frames: int) -> None:
            # Frames of an earlier run arrive all at once, and say nothing about the speed.
            leap = task.completed == 0 and frames > 1
            self._move(task.id, frames, leap=leap)
            speed = task.finished_speed or task.speed
            self._bars.update(
                task.id, total=total, count=f"{frames}{of} {unit}" if total != 1 else "",
                rate=f"{speed:.1f}/s" if speed and total != 1 else "",
            )  # fmt: skip
            if self._sizes and total:
                work = self._sizes[self._files_done] * min(1.0, frames / total)
                self._move(self._all, self._work_done + work, leap=leap)

        try:
            yield show_frames
        finally:
            if self._removes_done:
                self._bars.remove_task(number)

    def next_file(self, *, converted: bool) -> None:
        """Move the bar of all past a file. The work of a file that failed no longer counts."""
        size = self._sizes[self._files_done]
        self._files_done += 1
        if converted:
            self._work_done += size
        else:
            left = self._work_done + sum(self._sizes[self._files_done :])
            self._bars.update(self._all, total=left)
        count = f"{self._files_done}/{len(self._sizes)} files"
        self._bars.update(self._all, completed=self._work_done, count=count)

    def _move(self, task: "TaskID", completed: float, *, leap: bool) -> None:
        if leap:
            self._bars.reset(task)
        self._bars.update(task, completed=completed)


@contextmanager
def file_progress(name: str, total: int | None, unit: str = "frames") -> Iterator[Callable[[int], None]]:
    """A progress bar for one file; see ProgressBars.file."""
    with ProgressBars() as bars, bars.file(name, total, unit) as show_frames:
        yield show_frames


@contextmanager
def count_progress(
    title: str, format_count: Callable[[int], str] = "{:,}".format
) -> Iterator[Callable[[int, int | None], None]]:
    """A bar that is removed at the end. Yields a function that takes what is done and the total, or None.

    `format_count` writes them, as format_size does for bytes.
    """
    with make_bars("{task.fields[count]}", bar_width=30, shows_rest=True, transient=True) as bars:
        task = bars.add_task(escape_controls(title), total=None, count="")

        def show(done: int, total: int | None) -> None:
            of = "" if total is None else f" of {format_count(total)}"
            bars.update(task, completed=done, total=total, count=f"{format_count(done)}{of}")

        yield show


def track(items: Iterable[Item], total: int, title: str) -> Iterator[Item]:
    """Yield the items under a bar that is removed at the end."""
    with count_progress(title) as show:
        for number, item in enumerate(items, 1):
            show(number, total)
            yield item


@contextmanager
def spinner(text: str) -> Iterator[Callable[[str], None]]:
    """A text with a turning sign on a terminal, nothing elsewhere. Yields a function that sets the text."""
    if not shows_progress():
        yield lambda _: None
        return
    with console_of(sys.stderr).status(escape(text)) as status:
        yield lambda changed: status.update(escape(changed))


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """A line at the bottom of a terminal, nothing elsewhere. Yields a function that sets its text."""
    from rich.live import Live
    from rich.text import Text

    if not shows_progress():
        yield lambda _: None
        return
    with Live(
        console=console_of(sys.stderr), auto_refresh=False, transient=True, redirect_stdout=False
    ) as line:
        yield lambda text: line.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
