"""Printing: messages and progress on stderr, results on stdout. No other module of cli/ prints."""

import json
import os
import re
import sys
import traceback
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from ..core.errors import PipeError
from ..core.secrets import hide_secrets
from .quantities import format_duration, format_size

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from ..run.report import Report

_WORD = re.compile(r"(?:`[^`]*`|pip install \S+|\S)+")
"""A word of a message; a command is one word."""

_tracebacks = False
_quiet = False


def show_tracebacks(enabled: bool) -> bool:
    """Print from now on where each error comes from. The callback of --debug."""
    global _tracebacks  # noqa: PLW0603  # of the process, as its terminal is
    _tracebacks = enabled
    return enabled


def be_quiet(enabled: bool) -> bool:
    """Print from now on only notes, questions and errors, and show no progress. The callback of --quiet."""
    global _quiet  # noqa: PLW0603  # as above
    _quiet = enabled
    return enabled


def shows_progress() -> bool:
    """Whether progress is shown: on a terminal, without --quiet."""
    return not _quiet and console_of(sys.stderr).is_terminal


def print_message(text: str) -> None:
    """Print a sentence, in Rich's markup, for people: on stderr, as stdout is for results."""
    if not _quiet:
        _print_line(text)


def _print_line(text: str) -> None:
    from rich.text import Text

    console, message = console_of(sys.stderr), Text.from_markup(text, emoji=False)
    if console.is_terminal:
        message.plain = "\n".join(_break_line(line, console.width) for line in message.plain.split("\n"))
    console.print(message, soft_wrap=True)


def _break_line(line: str, width: int) -> str:
    """Break a line between words, where a terminal would break it anywhere; what people copy stays whole."""
    from rich.cells import cell_len

    if line.startswith((" ", "Example:")):
        return line
    characters, begin = list(line), 0
    for word in _WORD.finditer(line):
        if word.start() > begin and cell_len(line[begin : word.end()]) > width:
            begin = word.start()
            characters[begin - 1] = "\n"
    return "".join(characters)


def print_notices(notices: Iterable[str]) -> None:
    """Print what the user must know, each notice on its own line; also with --quiet."""
    for notice in notices:
        print_note(escape(notice))


def print_note(text: str) -> None:
    """Print what the user must know, in Rich's markup; also with --quiet."""
    _print_line(f"[yellow]Note:[/yellow] {text}")


def can_ask() -> bool:
    """Whether somebody can answer a question: standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """Print a question, and return the answer; empty if there is none."""
    _print_line(escape(question))
    return sys.stdin.readline().strip()


def print_error(error: BaseException, *, label: str = "Error", text: str | None = None) -> None:
    """Print an error and the notes that were added to it; with --debug also its traceback.

    Args:
        error: what was raised.
        label: what the line begins with; empty for nothing.
        text: the sentence to print in place of the error's own.
    """
    if _tracebacks:
        _print_line(escape("".join(traceback.format_exception(error)).rstrip()))
    heading = f"[bold red]{label}:[/bold red] " if label else ""
    _print_line(heading + escape(str(error) if text is None else text))
    for note in getattr(error, "__notes__", ()):
        _print_line(escape(note))


def print_json(result: dict[str, Any]) -> None:
    """Print a result on stdout as JSON, in one line.

    Raises:
        PipeError: nobody reads stdout.
    """
    _write_result(hide_secrets(json.dumps(result)) + "\n")


def print_result(renderable: Any) -> None:
    """Print a table or a text of Rich's on stdout; in a pipe or a file its lines do not end in spaces.

    Raises:
        PipeError: nobody reads stdout.
    """
    console = console_of(sys.stdout)
    if console.is_terminal:
        console.print(renderable)
    else:
        _write_result(format_result(renderable))


def _write_result(text: str) -> None:
    try:
        print(text, end="", flush=True)  # noqa: T201  # which does nothing without standard output
    except BrokenPipeError as error:
        sys.stdout = None  # or the interpreter would try to flush it once more
        raise PipeError("The result was not printed: nobody reads it.") from error


def format_result(renderable: Any) -> str:
    """Return the text that `print_result` prints, without spaces at the ends of lines."""
    console = console_of(sys.stdout)
    with console.capture() as capture:
        console.print(renderable)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def print_report(report: "Report", *, as_json: bool) -> None:
    """Print the notices and the result of a job."""
    print_notices(report.notices)
    if as_json:
        print_json(asdict(report))
    else:
        print_message(escape(summary(report)))


def summary(report: "Report") -> str:
    """The result of a job, in one line: where it is, how long it took, how large it is."""
    rate = f", {report.fps:.1f} frames/s" if report.frames > 1 else ""
    earlier = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
    work = "converted" if report.frames == 1 else f"{report.frames} frames{earlier}"
    return f"{report.output}: {work} in {format_duration(report.seconds)}{rate}{size_of(report.output)}"


def size_of(output: str | Path) -> str:
    """The size of a file that was written, after a comma; empty for addresses, folders and pipes."""
    try:
        path = Path(output)
        return f", {format_size(path.stat().st_size)}" if path.is_file() else ""
    except (OSError, ValueError):
        return ""


def console_of(file: Any) -> "Console":
    """The one console of sys.stdout or sys.stderr: messages go above the progress bars that it shows."""
    real, results = (getattr(each, "rich_proxied_file", each) for each in (file, sys.stdout))  # see rich.live
    return _console(real, is_for_messages=real is not results)


@lru_cache(maxsize=2)
def _console(file: Any, *, is_for_messages: bool) -> "Console":
    from rich.console import Console

    return Console(file=cast("IO[str]", _MessageStream(file)) if is_for_messages else file)


class _MessageStream:
    """A file for messages, which must not cost the result: after an error they go nowhere.

    It may be a log on a full disk, a pipe that nobody reads, or a terminal that was closed; or None, if the
    program was started without it.
    """

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        self._attempt("write", text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        self._attempt("flush")

    def _attempt(self, method: str, *arguments: str) -> None:
        if self._file is None:
            return
        try:
            getattr(self._file, method)(*arguments)
        except OSError:
            with suppress(OSError), Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), self._file.fileno())  # Python writes its buffer at the end of all


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
