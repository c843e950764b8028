"""The parts of messages: unknown names, missing files, lists of words, numbers."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path, PurePath

from .addresses import address_of, local_address_message, local_path, unreadable_address_message


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean ...?" for an unknown name, to end a message; empty if no name is similar."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[matches[0]]}?" if matches else ""


def unknown_choice_message(kind: str, value: str, known: Sequence[str]) -> str:
    """Return the sentence for a value that an option does not accept; `kind` is what it should be."""
    return f"There is no {kind} {value!r}: choose {join_words(known)}.{did_you_mean(value, known)}"


def missing_file_message(path: object) -> str:
    """Return the sentence for a path that is not a file or a folder, with the most similar name beside it.

    It names the cause if something has the name: a link whose target is missing, a FIFO, a socket or a
    device; or if the path is an address, such as s3://bucket/name. For a `Url`, which can be read, it
    suggests no other name.
    """
    if not isinstance(path, Path):
        return f"There is no file {path}."
    if address := address_of(path):
        return unreadable_address_message(address)
    if local_path(path) != path:
        return local_address_message(path)
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
    """Whether it is a FIFO, a socket or a device. Opening a FIFO would wait for another program."""
    with suppress(OSError):
        return path.exists() and not path.is_file() and not path.is_dir()
    return False


def without_folder(message: str, folder: PurePath) -> str:
    """Return a message with the files of a folder named without it, for people who must not see its path."""
    prefix = str(folder / "_")[:-1]  # ends in the separator of the system
    return message.replace(prefix, "")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; the name of its class if it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def join_words(words: Sequence[str], conjunction: str = "or") -> str:
    """Return words as a list in a sentence: "low, normal or high"."""
    *first, final = words
    return f"{', '.join(first)} {conjunction} {final}" if first else final


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun: "1 frame", "2 frames"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def format_number(value: float) -> str:
    """Three digits, and all digits before the point: 0.067, 66.7, 4,000. Never an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{Decimal(f'{value:.3g}'):f}"
