"""A file that appears under its name only when it is whole."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from .errors import MediaError, WriteError


class PendingFile:
    """Write to `path`, in the `with` block; at its end the file takes the name `target`.

    Leaving by an exception removes what was written and leaves an earlier `target` as it was. The
    temporary name is hidden, stands beside the target, as renaming is atomic only within a file system,
    and keeps the suffix, by which writers choose their format.

    Raises:
        MediaError: `target` exists and `overwrite` is false, is a folder, or its folder does not exist or
            cannot be written to.
    """

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        check_target(target, overwrite=overwrite)
        self.target = target
        # A name of full length has no room for more.
        self.path = target.with_name(f".{target.stem[:40]}.{os.getpid()}.partial{target.suffix}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()

    def commit(self) -> None:
        """Give the file its name."""
        try:
            self.path.replace(self.target)
        except OSError as error:
            self.discard()
            raise WriteError.of(self.target, error) from error

    def discard(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a path that no file can be written to.

    Raises:
        MediaError: as PendingFile.
    """
    try:
        if target.is_dir():
            raise MediaError(f"{target} is a folder; name a file to write.")
        if target.exists() and not overwrite:
            raise MediaError(f"{target} exists already; pass --overwrite (-y) to replace it.")
        if not target.parent.is_dir():
            raise MediaError(f"Cannot write {target}: there is no folder {target.parent}.")
    except OSError as error:
        raise WriteError.of(target, error) from error
    if not os.access(target.parent, os.W_OK):
        raise WriteError(f"Cannot write {target}: the folder {target.parent} is not writable.")
