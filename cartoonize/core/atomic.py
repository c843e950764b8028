"""A file that appears under its name only when it is complete, and never in place of its source."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from . import safe_files
from .addresses import address_of, local_address_message, local_path
from .errors import DISK_FAILURES, MediaError, WriteError
from .messages import is_special_file

_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # the last is of links in a circle
_LONGEST_SUFFIX = 16  # characters; a longer one is not a file type, and could make the name too long


class AtomicFile:
    """Write to `path` in the `with` block; at its end the file is renamed to `target`.

    Leaving the block by an exception removes what was written, and an earlier `target` stays as it was.
    `path` is hidden and unpredictable. It is in the folder of the target, because renaming is atomic only
    within a file system. It keeps the suffix, because writers choose their format by it. `sources` are the
    files that the target is made of.

    Raises:
        MediaError: `target` is one of `sources`; it exists and `overwrite` is false, even if somebody made it
            in the meantime; it is a folder, a device, a pipe or a socket; its folder does not exist or
            cannot be written to.
        WriteError: in the block, the system refused to write `path`, or the disk is full.
    """

    def __init__(self, target: Path, *, overwrite: bool, sources: Iterable[object] = ()) -> None:
        check_target(target, overwrite=overwrite, sources=sources)
        self.target, self._overwrite = target, overwrite
        self.path = temporary_path(target)

    def __enter__(self) -> Self:
        self.write(b"")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
            return
        self.discard()
        if isinstance(error, OSError) and self._is_own(error):
            raise WriteError.from_os_error(self.target, error) from error

    def _is_own(self, error: OSError) -> bool:
        """Whether an error of the system is about this file. A failed write, unlike `open`, names no file."""
        return error.filename == str(self.path) or (error.filename is None and error.errno in DISK_FAILURES)

    def write(self, data: bytes | memoryview) -> None:
        """Write the whole content, outside of a `with` block.

        Raises:
            WriteError: the system refuses it, or the disk is full.
        """
        try:
            with safe_files.create(self.path) as file:
                file.write(data)
        except BaseException as error:
            self.discard()
            if not isinstance(error, OSError):
                raise
            raise WriteError.from_os_error(self.target, error) from error

    def commit(self) -> None:
        """Give the file its name."""
        try:
            put(self.path, self.target, overwrite=self._overwrite)
        except MediaError:
            self.discard()
            raise

    def withdraw(self) -> None:
        """Remove the file that `commit` has named, unless it may have replaced another one."""
        if not self._overwrite:
            with contextlib.suppress(OSError):
                self.target.unlink()

    def discard(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def temporary_path(target: Path) -> Path:
    """A hidden, unpredictable name beside a target, for safe_files.create, which opens it exclusively.

    `tempfile` would do both, but its files are readable by their owner only, and so would the target be. The
    name contains nothing of the target's: similar names would collide, and long ones would be too long.
    """
    suffix = target.suffix if len(target.suffix) <= _LONGEST_SUFFIX else ""
    return target.with_name(f".{secrets.token_hex(16)}.partial{suffix}")


def put(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Give a finished file its name.

    Raises:
        MediaError: a file of that name exists now, and `overwrite` is false.
        WriteError: the system refuses it.
    """
    try:
        safe_files.put(draft, target, overwrite=overwrite)
    except FileExistsError as error:
        raise MediaError(
            f"{target} was created by another program in the meantime; pass --overwrite (-y) to replace it, "
            "or name another file."
        ) from error
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error


def check_target(target: Path, *, overwrite: bool, sources: Iterable[object] = ()) -> None:
    """Refuse a path that no file can be written to.

    Raises:
        MediaError: as AtomicFile.
    """
    try:
        if address := address_of(target):
            raise MediaError(f"{address}: only videos are written to addresses; name a file to write.")
        if local_path(target) != target:
            raise MediaError(local_address_message(target))
        if target.is_dir():
            raise MediaError(f"{target} is a folder; name a file to write.")
        if is_among(target, sources):
            raise MediaError(f"{target} is the source itself; name another file to write.")
        if is_special_file(target) or _is_link_to_stream(target):
            raise MediaError(
                f"{target} is a device, a pipe or a socket, and stays as it is; name a file to write. Videos "
                "can be written to standard output: name - and redirect it."
            )
        if os.path.lexists(target) and not overwrite:
            raise MediaError(f"{target} exists already; pass --overwrite (-y) to replace it.")
        check_parent(target)
    except OSError as error:
        raise WriteError.from_os_error(target, error) from error
    if not os.access(target.parent, os.W_OK):
        raise WriteError(f"Cannot write {target}: the folder {target.parent} is not writable.")


def check_parent(target: Path) -> None:
    """Refuse a file or a folder whose parent is not a folder.

    Raises:
        MediaError: the parent is missing, or it is a file.
    """
    parent = target.parent
    if not parent.is_dir():
        file = next((path for path in (parent, *parent.parents) if path.is_file()), None)
        reason = f"{file} is a file; name a folder" if file else f"there is no folder {parent}; make it first"
        raise MediaError(f"Cannot write {target}: {reason}.")


def _is_link_to_stream(target: Path) -> bool:
    """Whether a path is a link to an open file of a process, such as /dev/stdout.

    A finished file would replace the link for all programs.
    """
    folder = target.parent.resolve()
    return target.is_symlink() and (folder == Path("/dev") or Path("/proc") in folder.parents)


def is_among(target: object, sources: Iterable[object]) -> bool:
    """Whether a file is one of several, by whatever name or link; addresses are compared as text.

    Raises:
        OSError: a folder on the way cannot be read.
    """
    if not isinstance(target, Path):
        return any(target == source for source in sources)
    identity = _identity(target)
    return identity is not None and any(
        _identity(source) == identity for source in sources if isinstance(source, Path)
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    return status.st_dev, status.st_ino
