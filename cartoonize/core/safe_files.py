"""Safe files in folders that other users can write to, and where they may have placed links or files.

A file is created only if nothing has its name, not even a link. It is read only if it is a regular file of
this user. Windows has no O_NOFOLLOW, but creation refuses links there too; owners are not compared there.
"""

import contextlib
import errno
import os
import re
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # opening a FIFO would wait for a writer
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
# Errors of file systems without hard links, such as FAT and some network drives.
_NO_LINKS = {
    errno.EPERM,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,
    errno.EMLINK,
    errno.EINVAL,
    errno.EACCES,
}


def is_device_name(name: str) -> bool:
    """Whether Windows opens a device in place of a file of this name, as for CON and aux.mp4."""
    return _DEVICE.fullmatch(name) is not None


def create(path: Path) -> BinaryIO:
    """Create a file and open it for writing.

    Raises:
        FileExistsError: something has that name, even a link that leads nowhere.
    """
    return os.fdopen(os.open(path, _CREATE | _FLAGS, 0o666), "wb")


def open_own(path: Path) -> BinaryIO:
    """Open a regular file of this user for reading.

    Raises:
        OSError: there is none; it is a link, a folder, a FIFO or a device, or it belongs to somebody else.
    """
    handle = os.open(path, os.O_RDONLY | _FLAGS | _NONBLOCK)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status):
            raise PermissionError(errno.EPERM, "It is not a regular file of this user", str(path))
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def make_private_folder(path: Path) -> None:
    """Make a folder that nobody else can write to; an existing one is used if it belongs to this user.

    Raises:
        PermissionError: something else has that name: a link, no folder, or somebody else's folder.
        OSError: it cannot be made.
    """
    try:
        path.mkdir(0o700)
    except FileExistsError:
        if not is_own_folder(path):
            raise PermissionError(errno.EPERM, "It is not a folder of this user", str(path)) from None
        path.chmod(0o700)


def is_own_folder(path: Path) -> bool:
    """Whether it is a folder of this user, and no link."""
    status = path.lstat()
    return _is_folder(status) and _is_own(status)


def remove(path: Path) -> None:
    """Remove whatever has a name: a file, a link but not its target, or a folder with all in it."""
    with contextlib.suppress(FileNotFoundError):
        if _is_folder(path.lstat()):
            shutil.rmtree(path)
        else:
            path.unlink()


def put(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Give a finished file its name, on the same file system.

    Raises:
        FileExistsError: a file of that name exists and `overwrite` is false.
        OSError: it cannot be done.
    """
    if overwrite:
        draft.replace(target)
    elif os.name == "nt":
        draft.rename(target)  # on Windows, which never replaces a file
    else:
        _link(draft, target)
        draft.unlink(missing_ok=True)


def _link(draft: Path, target: Path) -> None:
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        create(target).close()  # reserves the name
        draft.replace(target)


def _is_folder(status: os.stat_result) -> bool:
    """Whether it is a folder and no link; Windows' junctions count as links."""
    return stat.S_ISDIR(status.st_mode) and not getattr(status, "st_reparse_tag", 0)


def _is_own(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
