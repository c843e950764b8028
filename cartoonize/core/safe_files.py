"""Files in folders that others can write to, where a stranger may have put something under a name.

A file is created only where nothing has its name, links included, and is read only where it is a regular file
of one's own. On Windows, which has no O_NOFOLLOW, creation refuses links too; owners are not compared there.
"""

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # opening a FIFO would wait for somebody who writes to it
# What systems answer where a file system has no hard links: FAT, and some drives of networks.
_NO_LINKS = {
    errno.EPERM,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,
    errno.EMLINK,
    errno.EINVAL,
    errno.EACCES,
}


def create(path: Path) -> BinaryIO:
    """A new file, to be written.

    Raises:
        FileExistsError: there is something of that name, if only a link that leads nowhere.
    """
    return os.fdopen(os.open(path, _CREATE | _FLAGS, 0o666), "wb")


def open_own(path: Path) -> BinaryIO:
    """A regular file of one's own, to be read.

    Raises:
        OSError: there is none; it is a link, a folder, a FIFO or a device, or it belongs to somebody else.
    """
    handle = os.open(path, os.O_RDONLY | _FLAGS | _AT_ONCE)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or not _is_own(found):
        os.close(handle)
        raise PermissionError(errno.EPERM, "It is no file of one's own", str(path))
    return os.fdopen(handle, "rb")


def own_folder(path: Path) -> None:
    """Have a folder that nobody else can write to; one that is there may be used if it is one's own.

    Raises:
        PermissionError: what is there is a link or no folder, or belongs to somebody else.
        OSError: it cannot be made.
    """
    try:
        path.mkdir(0o700)
    except FileExistsError:
        if not is_own_folder(path):
            raise PermissionError(errno.EPERM, "It is no folder of one's own", str(path)) from None
        path.chmod(0o700)


def is_own_folder(path: Path) -> bool:
    """Whether it is a folder, and no link, of one's own."""
    found = path.lstat()
    return _is_folder(found) and _is_own(found)


def remove(path: Path) -> None:
    """Remove whatever has a name: a file, a link but not what it leads to, or a folder with all in it."""
    with contextlib.suppress(FileNotFoundError):
        if _is_folder(path.lstat()):
            shutil.rmtree(path)
        else:
            path.unlink()


def put(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Give a finished file its name, in the same folder or at least on the same file system.

    Raises:
        FileExistsError: there is a file of that name and `overwrite` is false.
        OSError: it cannot be done.
    """
    if overwrite:
        draft.replace(target)
    elif os.name == "nt":
        draft.rename(target)  # which replaces nothing there
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


def _is_folder(found: os.stat_result) -> bool:
    """Whether it is a folder and no link, as which Windows' junctions count."""
    return stat.S_ISDIR(found.st_mode) and not getattr(found, "st_reparse_tag", 0)


def _is_own(found: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
