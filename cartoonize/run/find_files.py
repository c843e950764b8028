"""Finds the files in folders and those that match patterns, by their names only: no file is opened."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.errors import MediaError
from ..media.pictures.folder import natural_key
from ..media.remote import parse_location

_WILDCARDS = frozenset("*?[")
_DOWNLOADS = ".download"  # Safari's folders of unfinished downloads


def is_pattern(path: Path) -> bool:
    """Whether a path has wildcards. A file that exists, or a web address, may have them too."""
    has_wildcards = not _WILDCARDS.isdisjoint(str(path))
    return has_wildcards and isinstance(parse_location(path), Path) and not path.exists()


def pattern_root(pattern: Path) -> Path:
    """The folder in front of the first wildcard."""
    return next(parent for parent in pattern.parents if _WILDCARDS.isdisjoint(str(parent)) or parent.is_dir())


def explicit_suffix(source: Path) -> set[str]:
    """A set with the suffix of a pattern such as *.vob, which is accepted even if unknown; else empty."""
    suffix = source.suffix.lower()
    return {suffix} if suffix and is_pattern(source) and _WILDCARDS.isdisjoint(suffix) else set()


def files_below(
    folder: Path, excluded: Path | None = None, refused: list[tuple[Path, MediaError]] | None = None
) -> Iterator[Path]:
    """All files below a folder, in natural order, without hidden ones and those in the folder `excluded`.

    Folders that cannot be read are appended to `refused`, each with its error.
    """

    def refuse(error: OSError) -> None:
        unreadable = Path(error.filename)
        if refused is not None:
            message = f"Cannot read the folder {unreadable}: {error.strerror}."
            refused.append((unreadable, MediaError(message)))

    for current, folders, names in os.walk(folder, onerror=refuse):
        parent = Path(current)
        folders[:] = sorted(
            (name for name in folders if _is_visible(name) and parent / name != excluded), key=natural_key
        )
        yield from (parent / name for name in sorted(names, key=natural_key) if _is_visible(name))


def files_in(folder: Path) -> list[Path]:
    """The files directly in a folder, without hidden ones.

    Raises:
        MediaError: the folder cannot be read.
    """
    try:
        return [path for path in folder.iterdir() if path.is_file() and _is_visible(path.name)]
    except OSError as error:
        raise MediaError(f"Cannot read the folder {folder}: {error.strerror}.") from error


def matching_files(pattern: Path, excluded: Path | None) -> Iterator[Path]:
    """The files that match a pattern, as in a shell, and all files below the folders that match.

    Raises:
        MediaError: it is not a valid pattern.
    """
    root = pattern_root(pattern)
    try:
        matches = sorted(root.glob(str(pattern.relative_to(root))), key=_natural_path_key)
    except (ValueError, NotImplementedError) as error:
        raise MediaError(f"{pattern} is not a pattern: {error}.") from error
    for match in matches:
        is_hidden = not all(map(_is_visible, match.relative_to(root).parts))
        if is_hidden or (excluded is not None and match.is_relative_to(excluded)):
            continue
        yield from files_below(match, excluded) if match.is_dir() else [match]


def path_inside(folder: Path, root: Path) -> Path | None:
    """`folder` as a path that begins with `root`; None unless it lies below `root`."""
    try:
        relative = folder.resolve().relative_to(root.resolve())
    except ValueError:
        return None
    return root / relative if relative.parts else None


def _natural_path_key(path: Path) -> list[Any]:
    return [natural_key(part) for part in path.parts]


def _is_visible(name: str) -> bool:
    """Whether a file or folder is neither hidden nor an unfinished download."""
    return not name.startswith(".") and not name.endswith(_DOWNLOADS)
