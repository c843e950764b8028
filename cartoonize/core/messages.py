"""What messages are made of: suggestions for misspelt names, lists of words, missing files, numbers."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean ...?" for an unknown name, to end a message; empty if no name is similar."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[matches[0]]}?" if matches else ""


def missing_file_message(path: object) -> str:
    """Return the sentence for a missing path, with the most similar name in its folder, if there is one.

    Of addresses, such as s3://bucket/name, no folder is listed. Of a link, its target is missing. What exists
    is neither a file nor a folder: a FIFO, a socket or a device.
    """
    if not isinstance(path, Path):
        return f"There is no file {path}."
    if is_special_file(path):
        return f"{path} is neither a file nor a folder; copy what it contains into a file."
    if path.is_symlink():
        return f"{path} is a link to a file that does not exist."
    try:
        neighbours = [neighbour.name for neighbour in path.parent.iterdir()]
    except OSError:
        neighbours = []
    return f"There is no file or folder {path}.{did_you_mean(path.name, neighbours)}"


def is_special_file(path: Path) -> bool:
    """Whether it is a FIFO, a socket or a device. To open a FIFO waits for another program."""
    with suppress(OSError):
        return path.exists() and not path.is_file() and not path.is_dir()
    return False


def join_words(words: Sequence[str]) -> str:
    """Return words as a choice in a sentence: "low, normal or high"."""
    *first, final = words
    return f"{', '.join(first)} or {final}" if first else final


def format_number(value: float) -> str:
    """Three digits, and all digits before the point: 0.067, 66.7, 4,000. Never an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
