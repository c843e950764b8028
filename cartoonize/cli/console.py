"""Printing: messages and progress on stderr, results on stdout. No other module of cli/ prints."""

import json
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..core.errors import PipeError
from ..core.secrets import hide_secrets

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID
    from rich.text import Text

    from ..run.report import Report

_tracebacks = False


def show_tracebacks(wanted: bool) -> bool:
    """Print from now on where each error comes from. The callback of --debug."""
    global _tracebacks  # noqa: PLW0603  # of the process, as its terminal is
    _tracebacks = wanted
    return wanted


def print_message(text: str) -> None:
    """Print a sentence, in Rich's markup, for people: on stderr, as stdout is for results."""
    console_of(sys.stderr).print(text, highlight=False, soft_wrap=True, emoji=False)


def print_notices(notices: Iterable[str]) -> None:
    """Print notices, each on its own line."""
    for notice in notices:
        print_message(f"[yellow]Note:[/yellow] {escape(notice)}")


def print_error(error: BaseException, *, label: str = "Error", text: str | None = None) -> None:
    """Print an error and the notes that were added to it; with --debug also its traceback.

    Args:
        error: what was raised.
        label: what the line begins with; empty for nothing.
        text: the sentence to print in place of the error's own.
    """
    if _tracebacks:
        print_message(escape("".join(traceback.format_exception(error)).rstrip()))
    heading = f"[bold red]{label}:[/bold red] " if label else ""
    print_message(heading + escape(str(error) if text is None else text))
    for note in getattr(error, "__notes__", ()):
        print_message(escape(note))


def print_json(result: dict[str, Any], *, indent: int | None = None) -> None:
    """Print a result on stdout as JSON: in one line, or indented for people.

    Raises:
        PipeError: nobody reads stdout.
    """
    try:
        print(hide_secrets(json.dumps(result, indent=indent)), flush=True)  # noqa: T201
    except BrokenPipeError as error:
        sys.stdout = None  # or the interpreter would try to flush it once more
        raise PipeError("The result was not printed: nobody reads it.") from error


def print_result(renderable: Any) -> None:
    """Print a table or a text of Rich's on stdout."""
    console_of(sys.stdout).print(renderable)


def print_report(report: "Report", *, as_json: bool) -> None:
    """Print the notices and the result of a job."""
    print_notices(report.notices)
    if as_json:
        print_json(asdict(report))
    else:
        print_message(escape(summary(report)))


def summary(report: "Report") -> str:
    """The result of a job, in one line."""
    rate = f", {report.fps:.1f} frames/s" if report.frames > 1 else ""
    earlier = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
    frames = f"{report.frames} frame{'s' * (report.frames != 1)}"
    return f"{report.output}: {frames}{earlier} in {report.seconds:.1f} s{rate}"


def console_of(file: Any) -> "Console":
    """The one console of a file: messages go above the progress bars that it shows."""
    return _console(getattr(file, "rich_proxied_file", file))  # which a bar puts in place of the file


@lru_cache(maxsize=2)
def _console(file: Any) -> "Console":
    from rich.console import Console

    return Console(file=file)


def escape(text: str) -> str:
    """Text from elsewhere, safe to print: neither Rich's markup nor control sequences in it take effect."""
    from rich.markup import escape as escape_markup

    return escape_markup(escape_controls(text))


def escape_controls(text: str) -> str:
    r"""Text whose control characters and invalid characters are written as Python writes them, as in \x1b.

    Secrets in addresses are hidden.
    """
    return "".join(
        character if _is_harmless(character) else repr(character)[1:-1] for character in hide_secrets(text)
    )


def literal_text(text: str, **options: Any) -> "Text":
    """Text from elsewhere as a cell or a line of Rich's, with Rich's options; safe as `escape`."""
    from rich.text import Text

    return Text(escape_controls(text), **options)


def _is_harmless(character: str) -> bool:
    """Joiners are parts of words and of emoji; other format characters can reverse the text that follows."""
    return character in "\n\u200c\u200d" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")


class ProgressBars:
    """Progress bars on a terminal, nothing elsewhere: one for each file at work and, for several files, one
    for all.

    Args:
        sizes: how much work each file is, in any unit. By them the bar of all moves within a file and
            estimates the time that is left.
        removes_done: remove the bar of a file once it is done; always so for several `sizes`.
    """

    def __init__(self, sizes: Sequence[int] = (), *, removes_done: bool = False) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        console = console_of(sys.stderr)
        name = Column(no_wrap=True, overflow="ellipsis", max_width=max(10, console.width - 60))
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=20 if console.width < 100 else 40),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
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
    def file(self, name: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show a file of `total` frames. Yields a function that takes the number of frames done so far."""
        of = "" if total is None else f"/{total}"
        label = escape_controls(Path(name).name)
        number = self._bars.add_task(label, total=total, rate="", count=f"0{of} frames")
        task = next(task for task in self._bars.tasks if task.id == number)

        def show_frames(frames: int) -> None:
            # The frames of an earlier run come all at once, and tell nothing about the speed.
            leap = task.completed == 0 and frames > 1
            self._move(task.id, frames, leap=leap)
            speed = task.finished_speed or task.speed
            self._bars.update(task.id, count=f"{frames}{of} frames", rate=f"{speed:.1f}/s" if speed else "")
            if self._sizes and total:
                work = self._sizes[self._files_done] * min(1.0, frames / total)
                self._move(self._all, self._work_done + work, leap=leap)

        try:
            yield show_frames
        finally:
            if self._removes_done:
                self._bars.remove_task(number)

    def next_file(self, *, converted: bool) -> None:
        """Move the bar of all past a file. One that failed is taken out of the work."""
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
def file_progress(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar for one file; see ProgressBars.file."""
    with ProgressBars() as bars, bars.file(name, total) as show_frames:
        yield show_frames


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """A line at the bottom of a terminal, nothing elsewhere. Yields a function that sets its text."""
    from rich.live import Live
    from rich.text import Text

    console = console_of(sys.stderr)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as line:
        yield lambda text: line.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
