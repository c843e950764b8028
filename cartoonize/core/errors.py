"""Every error that a user can cause.

    CartoonizeError         caught by the command line: its message, and its exit code
    ├── MediaError          a picture or video that cannot be read or written
    │   ├── DamageError     parts of the source are damaged; what could be drawn is in a file named partial
    │   ├── SourceError     the source changed, or went away, while it was read
    │   ├── WriteError      the system does not let the output be written
    │   │   └── SpaceError  ... as there is no room for it
    │   └── BusyError       another process is writing the same video
    ├── PipeError           nobody reads what is printed
    ├── ModelError          a style file or network that cannot be used
    ├── BackendError        a device, precision or runtime that is not to be had
    ├── ClusterError        a cluster that is not to be had, or that did not get its work done
    ├── UnexpectedError     a defect of this program that one of many files met
    ├── MemoryFullError     there is not enough memory
    ├── TrainingError       data or a run folder that cannot be trained on
    └── WebError            a web page that cannot be served

    Stopped                 a signal asked the program to end: no error, and caught by the command line only

Messages are whole sentences that name the file or option and, where there is one, the way out. Anything
else that is raised is a defect of this program and keeps its traceback. The exit codes stand here and nowhere
else in the code; docs/exit-codes.md lists them.
"""

import errno

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NO_WAY = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EIO, errno.ENXIO, errno.ENODEV,
    getattr(errno, "ESTALE", errno.EIO),
}  # fmt: skip


class CartoonizeError(Exception):
    """The base of all errors of this package."""

    exit_code = 1


class Stopped(BaseException):
    """A signal asked the program to end; its exit code is the shells' for that signal."""

    def __init__(self, number: int) -> None:
        super().__init__("Stopped.")
        self.exit_code = 128 + number


class MediaError(CartoonizeError):
    """A picture or video that cannot be read or written."""


class DamageError(MediaError):
    """Parts of the source are damaged; what could be drawn is in a file that says that it is partial."""

    exit_code = 3


class SourceError(MediaError):
    """The source changed, or went away, while it was read."""

    exit_code = 4


class WriteError(MediaError):
    """The system does not let the output be written: its folder is gone, read-only, or on a broken disk."""

    exit_code = 5

    @staticmethod
    def from_os_error(path: object, error: OSError) -> MediaError:
        """The kind that fits an error of the system."""
        kind = SpaceError if error.errno in _NO_ROOM else WriteError if error.errno in _NO_WAY else MediaError
        return kind(f"Cannot write {path}: {error.strerror or error}.")


class SpaceError(WriteError):
    """There is no room for the output."""

    exit_code = 6


class BusyError(MediaError):
    """Another process is writing the same video."""

    exit_code = 7


class PipeError(CartoonizeError):
    """Nobody reads what is printed."""

    exit_code = 141  # the shells' for SIGPIPE


class ModelError(CartoonizeError):
    """A style file or network that cannot be used."""


class BackendError(CartoonizeError):
    """A device, precision or runtime that is not to be had."""


class ClusterError(CartoonizeError):
    """A cluster that is not to be had, or that did not get its work done."""


class UnexpectedError(CartoonizeError):
    """A defect of this program that one of many files met: the others are worked on all the same."""

    @staticmethod
    def from_exception(error: Exception) -> "CartoonizeError":
        """A sentence about an error that is none of these; its cause is kept."""
        if isinstance(error, MemoryError):
            found: CartoonizeError = InsufficientMemoryError()
        else:
            told = str(error).strip().partition("\n")[0]
            told = f"{type(error).__name__}: {told}" if told else type(error).__name__
            found = UnexpectedError(
                f"An unexpected error ({told}); this is a defect of cartoonize, and --debug shows where."
            )
        found.__cause__ = error
        return found


class InsufficientMemoryError(CartoonizeError):
    """There is not enough memory."""

    def __init__(self) -> None:
        super().__init__("There is not enough memory; --max-size and --batch 1 make do with less.")


class TrainingError(CartoonizeError):
    """Data or a run folder that cannot be trained on."""


class WebError(CartoonizeError):
    """A web page that cannot be served."""
