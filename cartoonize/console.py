"""What people see: sentences and progress on stderr, results on stdout."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import PipeError

if TYPE_CHECKING:
    from .job import Report


def say_all(text: str, error: BaseException) -> None:
    """A sentence, and what was noted on the way of the error that caused it."""
    for line in (text, *map(plain, getattr(error, "__notes__", ()))):
        say(line)


def say(text: str) -> None:
    """For people: on stderr, so that stdout stays for results."""
    terminal(sys.stderr).print(text, highlight=False, soft_wrap=True, emoji=False)


def terminal(file: Any) -> Any:
    from rich.console import Console

    return Console(file=file)


def plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


@contextmanager
def bars(step: int = 1) -> Iterator[Any]:
    """Bars on a terminal, nothing elsewhere; yields what makes one; of its frames each `step` is told."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = terminal(sys.stderr)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        yield partial(_bar, shown, step)


@contextmanager
def progress(label: str, total: int | None, step: int = 1) -> Iterator[Any]:
    """One bar; yields what to tell how many frames are done."""
    with bars(step) as watch, watch(label, total) as done:
        yield done


@contextmanager
def _bar(shown: Any, step: int, label: str, total: int | None) -> Iterator[Any]:
    number = shown.add_task(Path(label).name, total=total, rate="")
    task = next(task for task in shown.tasks if task.id == number)

    def done(frames: int) -> None:
        if frames > task.completed + step:  # an earlier run's, which tell nothing of the speed
            shown.reset(number, completed=frames, total=total)
        speed = task.finished_speed or task.speed
        shown.update(number, completed=frames, rate=f"{speed:.1f}/s" if speed else "")

    yield done


def finish(report: "Report", as_json: bool) -> None:
    for notice in report.notices:
        say(f"[yellow]Note:[/yellow] {plain(notice)}")
    if as_json:
        print_result(asdict(report))
    else:
        rate = f", {report.fps:.1f} frames/s" if report.frames > 1 else ""
        earlier = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
        say(
            f"{plain(report.output)}: {report.frames} frame{'s' * (report.frames != 1)}{earlier} in "
            f"{report.seconds:.1f} s{rate}"
        )


def print_result(result: dict[str, Any]) -> None:
    """What --json promises."""
    try:
        print(json.dumps(result), flush=True)  # noqa: T201
    except BrokenPipeError as error:
        sys.stdout = None  # or the interpreter would try to flush it once more
        raise PipeError("The result was not printed: nobody reads it.") from error
