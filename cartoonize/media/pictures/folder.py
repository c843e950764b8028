"""The pictures in a folder, in the order in which a person would sort them."""

import re
from pathlib import Path, PurePath

from ...core.errors import MediaError
from ..remote import Location
from .formats import PICTURE_SUFFIXES, suffix_list


def list_pictures(path: Path) -> list[Path]:
    """The pictures in a folder (not below) in natural order of name; of a file, the file itself.

    Raises:
        MediaError: there is no such file or folder, or no picture in the folder.
    """
    if not path.exists():
        raise MediaError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return [path]
    try:
        # Hidden files are not the user's: macOS puts a ._name.jpg, which is no picture, beside name.jpg.
        files = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    except OSError as error:
        raise MediaError(f"Cannot read the folder {path}: {error.strerror}.") from error
    pictures = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise MediaError(f"There is no picture ({suffix_list()}) in the folder {path}.")
    return sorted(pictures, key=natural_key)


def list_source_files(source: Location) -> list[Location]:
    """The files that are read for a source: the source itself, or the pictures in a folder."""
    return [*list_pictures(source)] if isinstance(source, Path) and source.is_dir() else [source]


def natural_key(path: PurePath | str) -> tuple[list[str | int], str]:
    """Sort picture-2 before picture-10. Text and numbers alternate, so equal types are compared."""
    name = PurePath(path).name
    parts = re.split(r"(\d+)", name.lower())
    return [int(part) if part.isdecimal() else part for part in parts], name


def output_name(source: str) -> str:
    """The file name of a converted picture in another folder: the same, or with .png if it cannot be
    written."""
    return source if PurePath(source).suffix.lower() in PICTURE_SUFFIXES else f"{PurePath(source).stem}.png"
