"""A folder that appears under its name only when it is complete."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .atomic import check_parent
from .errors import DISK_FAILURES, MediaError, WriteError


class FolderKind(NamedTuple):
    """A kind of folder: its title for messages, and a file that each such folder holds."""

    title: str
    marker: str


@contextmanager
def atomic_folder(target: Path, kind: FolderKind, *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder to fill; at the end of the `with` block it is renamed to `target`.

    Leaving the block by an exception removes it, and an earlier `target` stays as it was.

    Args:
        target: the folder to write.
        kind: only an earlier folder of this kind is replaced.
        overwrite: replace an earlier folder of this kind.

    Raises:
        MediaError: `target` exists and may not be replaced, or its parent folder does not exist.
        WriteError: the system refuses to write it, or the disk is full.
    """
    check_folder(target, kind, overwrite=overwrite)
    work = ""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as work:
            draft, earlier = Path(work) / "draft", Path(work) / "earlier"
            draft.mkdir()
            yield draft
            if target.exists():
                target.replace(earlier)
            try:
                draft.replace(target)
            except OSError:
                if earlier.exists():
                    earlier.replace(target)
                raise
    except OSError as error:
        names = [str(name) for name in (error.filename, error.filename2) if name]
        is_own = any(name.startswith(work) for name in names) if names else error.errno in DISK_FAILURES
        if not is_own:
            raise
        raise WriteError.from_os_error(target, error) from error


def check_folder(target: Path, kind: FolderKind, *, overwrite: bool) -> None:
    """Refuse a folder that `atomic_folder` would refuse, before long work begins.

    Raises:
        MediaError: as there.
    """
    check_parent(target)
    if target.exists() and not overwrite:
        raise MediaError(f"{target} exists already; pass --overwrite (-y) to replace it.")
    if target.exists() and not (target / kind.marker).is_file():
        raise MediaError(f"{target} is not a {kind.title}, and stays as it is; name another folder.")
