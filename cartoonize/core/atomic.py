"""A file that appears under its name only when it is whole, and never in place of its source."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from . import safe_files
from .errors import MediaError, WriteError


class AtomicFile:
    """Write to `path`, in the `with` block; at its end the file takes the name `target`.

    Leaving by an exception removes what was written and leaves an earlier `target` as it was. The
    temporary name is hidden and cannot be guessed, stands beside the target, as renaming is atomic only
    within a file system, and keeps the suffix, by which writers choose their format. `sources` are the files
    that the target is made of.

    Raises:
        MediaError: `target` is one of `sources`; it exists and `overwrite` is false, even if somebody made it
            in the meantime; it is a folder, or its folder does not exist or cannot be written to.
    """

    def __init__(self, target: Path, *, overwrite: bool, sources: Iterable[object] = ()) -> None:
        check_target(target, overwrite=overwrite, sources=sources)
        self.target, self._overwrite = target, overwrite
        # A name of full length has no room for more.
        self.path = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(8)}.partial{target.suffix}")

    def __enter__(self) -> Self:
        self.write(b"")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()

    def write(self, data: bytes | memoryview) -> None:
        """Write the content at one stroke, outside of a `with` block.

        Raises:
            WriteError: the system does not let it, or there is no room.
        """
        try:
            with safe_files.create(self.path) as file:
                file.write(data)
        except OSError as error:
            self.discard()
            raise WriteError.from_os_error(self.target, error) from error

    def commit(self) -> None:
        """Give the file its name."""
        try:
            put(self.path, self.target, overwrite=self._overwrite)
        except MediaError:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def put(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Give a finished file its name.

    Raises:
        MediaError: there is a file of that name now, and `overwrite` is false.
        WriteError: the system does not let it.
    """
    try:
        safe_files.put(draft, target, overwrite=overwrite)
    except FileExistsError as error:
        raise MediaError(
            f"{target} was made by somebody else in the meantime; pass --overwrite (-y) to replace it, or "
            "name another file."
        ) from error
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error


def check_target(target: Path, *, overwrite: bool, sources: Iterable[object] = ()) -> None:
    """Refuse a path that no file can be written to.

    Raises:
        MediaError: as AtomicFile.
    """
    try:
        if target.is_dir():
            raise MediaError(f"{target} is a folder; name a file to write.")
        if is_among(target, sources):
            raise MediaError(f"{target} is the source itself; name another file to write.")
        if os.path.lexists(target) and not overwrite:
            raise MediaError(f"{target} exists already; pass --overwrite (-y) to replace it.")
        if not target.parent.is_dir():
            raise MediaError(f"Cannot write {target}: there is no folder {target.parent}.")
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error
    if not os.access(target.parent, os.W_OK):
        raise WriteError(f"Cannot write {target}: the folder {target.parent} is not writable.")


def is_among(target: object, sources: Iterable[object]) -> bool:
    """Whether a file is one of several, under whatever name, and through links; addresses are compared.

    Raises:
        OSError: a folder on the way cannot be read.
    """
    if not isinstance(target, Path):
        return any(target == source for source in sources)
    mine = _identity(target)
    return mine is not None and any(
        _identity(source) == mine for source in sources if isinstance(source, Path)
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
