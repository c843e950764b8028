"""What people see: sentences and progress on stderr, results on stdout."""

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

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from ..run.job import Report

_debug = False


def say_all(text: str, error: BaseException) -> None:
    """A sentence, and what was noted on the way of the error that caused it; for --debug where that was."""
    if _debug:
        say(plain("".join(traceback.format_exception(error)).rstrip()))
    for line in (text, *map(plain, getattr(error, "__notes__", ()))):
        say(line)


def show_errors(wanted: bool) -> None:
    """Show from now on where errors come from."""
    global _debug  # noqa: PLW0603  # of the process, as its terminal is
    _debug = wanted


def say(text: str) -> None:
    """For people: on stderr, so that stdout stays for results."""
    terminal(sys.stderr).print(text, highlight=False, soft_wrap=True, emoji=False)


def terminal(file: Any) -> "Console":
    """The one console of a file: sentences go above the bars that it shows."""
    return _console(getattr(file, "rich_proxied_file", file))  # which a bar puts in place of the file


@lru_cache(maxsize=2)
def _console(file: Any) -> "Console":
    from rich.console import Console

    return Console(file=file)


def plain(text: str) -> str:
    """Text from elsewhere, as it may be printed: no markup, and nothing that a terminal would obey."""
    from rich.markup import escape

    return escape(visible(text))


def visible(text: str) -> str:
    """Text whose control characters, and what is no text at all, are written as Python would."""
    return "".join(letter if _is_harmless(letter) else repr(letter)[1:-1] for letter in text)


def _is_harmless(letter: str) -> bool:
    """Joiners are parts of words and of emoji; other formats can turn the direction of what follows."""
    return letter in "\n\u200c\u200d" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")


class Bars:
    """Bars on a terminal, nothing elsewhere: of the files at work and, where there are several, of all.

    `sizes` are how much work each file is, in any unit: by them the bar of all moves, and tells what time is
    left, while the first file is at work. The bar of a file stays when that is done, unless `others` follow.
    """

    def __init__(self, sizes: Sequence[int] = (), *, others: bool = False) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        console = terminal(sys.stderr)
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
        self._sizes, self._passed, self._before = list(sizes), 0, 0.0
        self._all = self._bars.add_task(
            "all", total=sum(sizes), visible=len(sizes) > 1, rate="", count=f"0/{len(sizes)} files"
        )
        self._others = others or len(sizes) > 1

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def file(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show a file of `total` frames; yields what to tell how many of them are done."""
        of = "" if total is None else f"/{total}"
        number = self._bars.add_task(visible(Path(label).name), total=total, rate="", count=f"0{of} frames")
        task = next(task for task in self._bars.tasks if task.id == number)

        def done(frames: int) -> None:
            leap = task.completed == 0 and frames > 1  # an earlier run's, which tell nothing of the speed
            self._move(task.id, frames, leap=leap)
            speed = task.finished_speed or task.speed
            self._bars.update(task.id, count=f"{frames}{of} frames", rate=f"{speed:.1f}/s" if speed else "")
            if self._sizes and total:
                share = self._sizes[self._passed] * min(1.0, frames / total)
                self._move(self._all, self._before + share, leap=leap)

        try:
            yield done
        finally:
            if self._others:
                self._bars.remove_task(number)

    def passed(self, *, drawn: bool) -> None:
        """Go on to the next file. One that was not `drawn` was no work after all."""
        size = self._sizes[self._passed]
        self._passed += 1
        if drawn:
            self._before += size
        else:
            left = self._before + sum(self._sizes[self._passed :])
            self._bars.update(self._all, total=left)
        count = f"{self._passed}/{len(self._sizes)} files"
        self._bars.update(self._all, completed=self._before, count=count)

    def _move(self, task: "TaskID", completed: float, *, leap: bool) -> None:
        if leap:
            self._bars.reset(task)
        self._bars.update(task, completed=completed)


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar for one file; yields what to tell how many frames are done."""
    with Bars() as bars, bars.file(label, total) as done:
        yield done


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """A line at the bottom of a terminal, nothing elsewhere; yields what to tell its text."""
    from rich.live import Live
    from rich.text import Text

    console = terminal(sys.stderr)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as line:
        yield lambda text: line.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)


def finish(report: "Report", as_json: bool) -> None:
    tell(report.notices)
    if as_json:
        print_result(asdict(report))
    else:
        say(plain(sentence(report)))


def tell(notices: Iterable[str]) -> None:
    for notice in notices:
        say(f"[yellow]Note:[/yellow] {plain(notice)}")


def sentence(report: "Report") -> str:
    """What a job did, for people."""
    rate = f", {report.fps:.1f} frames/s" if report.frames > 1 else ""
    earlier = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
    frames = f"{report.frames} frame{'s' * (report.frames != 1)}"
    return f"{report.output}: {frames}{earlier} in {report.seconds:.1f} s{rate}"


def print_result(result: dict[str, Any]) -> None:
    """What --json promises."""
    try:
        print(json.dumps(result), flush=True)  # noqa: T201
    except BrokenPipeError as error:
        sys.stdout = None  # or the interpreter would try to flush it once more
        raise PipeError("The result was not printed: nobody reads it.") from error
