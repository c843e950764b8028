"""The pictures in a folder, in the order in which a person would sort them."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePath

from ...core.errors import MediaError
from ...core.messages import count_noun, join_words, missing_file_message
from ..remote import Location
from .formats import PICTURE_SUFFIXES, suffix_list

_MAX_NAMED = 6
"""Kinds of files that a notice names; the rest is summed up."""
_LEAST_FRAMES = 3
"""Fewer numbered pictures may be photos beside videos."""
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}
"""Files that Windows hides."""


def list_pictures(path: Path, notices: list[str] | None = None) -> list[Path]:
    """The pictures in a folder (not below) in natural order of name; of a file, the file itself.

    `notices` gets a sentence about the other files in the folder.

    Raises:
        MediaError: there is no such file or folder, or no picture in the folder.
    """
    if not path.exists():
        raise MediaError(missing_file_message(path))
    if not path.is_dir():
        return [path]
    try:
        # Hidden files are not the user's: macOS puts a ._name.jpg, which is not a picture, beside name.jpg.
        files = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    except OSError as error:
        raise MediaError(f"Cannot read the folder {path}: {error.strerror}.") from error
    pictures = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise MediaError(f"There is no picture ({suffix_list()}) in the folder {path}.")
    if notices is not None:
        notices += describe_left_out(path, set(files).difference(pictures))
    return sorted(pictures, key=natural_key)


def describe_left_out(folder: Path, files: Iterable[Path]) -> list[str]:
    """One sentence that counts the files of a folder that are not converted, by suffix; none if there are
    none."""
    names = [file.name.lower() for file in files if file.name.lower() not in _SYSTEM_FILES]
    counts = Counter(PurePath(name).suffix.lstrip(".").upper() for name in names)
    if not counts:
        return []
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [count_noun(number, f"{suffix or 'other'} file") for suffix, number in ordered[:_MAX_NAMED]]
    if len(ordered) > _MAX_NAMED:
        named.append(count_noun(sum(number for _, number in ordered[_MAX_NAMED:]), "other file"))
    verb = "was" if counts.total() == 1 else "were"
    return [f"{join_words(named, 'and')} in {folder} {verb} left out."]


def list_source_files(source: Location) -> list[Location]:
    """The files that are read for a source: the source itself, or the pictures in a folder."""
    return [*list_pictures(source)] if isinstance(source, Path) and source.is_dir() else [source]


def are_numbered(names: Iterable[str]) -> bool:
    """Whether names of pictures are those of the frames of a video: three or more that differ in a number at
    their end, which counts from 0 or 1."""
    matches = [re.fullmatch(r"(.*?)([0-9]+)", PurePath(name).stem) for name in names]
    parts = [(match[1], int(match[2])) for match in matches if match]
    prefixes, numbers = {prefix for prefix, _ in parts}, {number for _, number in parts}
    first = min(numbers, default=0)
    is_complete = numbers == set(range(first, first + len(parts)))
    return all(matches) and len(parts) >= _LEAST_FRAMES and len(prefixes) == 1 and first < 2 and is_complete


def natural_key(path: PurePath | str) -> tuple[list[str | int], str]:
    """Sort picture-2 before picture-10. Text and numbers alternate, so equal types are compared."""
    name = PurePath(path).name
    parts = re.split(r"(\d+)", name.lower())
    return [int(part) if part.isdecimal() else part for part in parts], name


def output_name(source: str) -> str:
    """The file name of a converted picture in another folder: the same, or with .png if it cannot be
    written."""
    return source if PurePath(source).suffix.lower() in PICTURE_SUFFIXES else f"{PurePath(source).stem}.png"
