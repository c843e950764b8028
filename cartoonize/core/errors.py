"""Every error that a user can correct.

    CartoonizeError
    ├── MediaError
    │   ├── DamageError
    │   ├── SourceError
    │   ├── WriteError
    │   │   └── SpaceError
    │   └── BusyError
    ├── PipeError
    ├── ModelError
    ├── BackendError
    ├── ClusterError
    ├── UnexpectedError
    ├── InsufficientMemoryError
    ├── TrainingError
    └── WebError

A message is a whole sentence: it names the file or option, says what is wrong, and then what to do. Any other
exception is a bug of cartoonize and keeps its traceback; those of the system, such as a full disk, become a
sentence too (`UnexpectedError.from_exception`). Only this module defines exit codes;
docs/exit-codes.md lists them.
"""

import errno

NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NOT_ALLOWED = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EIO, errno.ENXIO, errno.ENODEV,
    getattr(errno, "ESTALE", errno.EIO),
}  # fmt: skip

DISK_FAILURES = NO_SPACE | {errno.EIO, errno.EROFS}
"""Errors of the system that a write can fail with after the file was opened."""


class CartoonizeError(Exception):
    """The base of all errors of this package. The command line prints its message and sets its exit code."""

    exit_code = 1


class Stopped(BaseException):
    """A signal asked the program to end; not an error, caught by the command line only.

    The exit code is the one that shells use for that signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__("Stopped.")
        self.number, self.exit_code = number, 128 + number


class MediaError(CartoonizeError):
    """A picture or video that cannot be read or written."""


class DamageError(MediaError):
    """Parts of the source are damaged; a file with "partial" in its name holds what could be read."""

    exit_code = 3


class SourceError(MediaError):
    """The source changed or disappeared while it was read."""

    exit_code = 4


class WriteError(MediaError):
    """The system does not allow writing: the folder was removed, is read-only, or its disk fails."""

    exit_code = 5

    @staticmethod
    def from_os_error(path: object, error: OSError) -> MediaError:
        """Return the kind of error that fits an error of the system, to raise it."""
        if error.errno in NO_SPACE:
            kind: type[MediaError] = SpaceError
        else:
            kind = WriteError if error.errno in _NOT_ALLOWED else MediaError
        return kind(f"Cannot write {path}: {error.strerror or error}.")


class SpaceError(WriteError):
    """There is no space for the output."""

    exit_code = 6


def _describe_os_error(error: OSError) -> CartoonizeError:
    """Return an error of this package for one of the system; the message names the file and the reason.

    For those that no module expects: a full disk for temporary files, a network drive that is gone.
    """
    reason = error.strerror or str(error) or type(error).__name__
    message = f"{error.filename}: {reason}." if error.filename else f"{reason}."
    if error.errno in NO_SPACE:
        return SpaceError(message)
    return (WriteError if error.errno in _NOT_ALLOWED else CartoonizeError)(message)


class BusyError(MediaError):
    """Another process is writing the same output."""

    exit_code = 7


class PipeError(CartoonizeError):
    """Nobody reads the printed output."""

    exit_code = 141  # the shells' for SIGPIPE


class ModelError(CartoonizeError):
    """A style file or network that cannot be used."""


class BackendError(CartoonizeError):
    """A device, precision or runtime that is not available."""


class ClusterError(CartoonizeError):
    """A cluster that is not available, or that did not complete its work."""


class UnexpectedError(CartoonizeError):
    """A bug of cartoonize that stopped one of many files. The other files are still converted."""

    @staticmethod
    def from_exception(error: Exception) -> "CartoonizeError":
        """Return an error of this package for any other one, which becomes its cause.

        Only what is neither the memory's nor the system's fault is a bug.
        """
        if isinstance(error, MemoryError):
            known: CartoonizeError = InsufficientMemoryError()
        elif isinstance(error, OSError):
            known = _describe_os_error(error)
        else:
            line = str(error).strip().partition("\n")[0]
            what = f"{type(error).__name__}: {line}" if line else type(error).__name__
            known = UnexpectedError(
                f"An unexpected error ({what}). This is a defect of cartoonize; --debug shows where."
            )
        known.__cause__ = error
        return known


class InsufficientMemoryError(CartoonizeError):
    """There is not enough memory."""

    def __init__(self) -> None:
        super().__init__("There is not enough memory; --max-size and --batch 1 need less.")


class TrainingError(CartoonizeError):
    """Data or a run folder that cannot be used for training."""


class WebError(CartoonizeError):
    """A web page that cannot be served."""
