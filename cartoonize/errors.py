"""Every error that a user can cause.

    CartoonizeError         caught by the command line: its message, and exit code 1
    ├── MediaError          a picture or video that cannot be read or written
    ├── ModelError          a style file or network that cannot be used
    ├── BackendError        a device, precision or runtime that is not to be had
    └── TrainingError       data or a run folder that cannot be trained on

    Stopped                 a signal asked the program to end: no error, and caught by the command line only

Messages are whole sentences that name the file or option and, where there is one, the way out. Anything
else that is raised is a defect of this program and keeps its traceback.
"""


class CartoonizeError(Exception):
    """The base of all errors of this package."""


class Stopped(BaseException):
    """A signal asked the program to end; its exit code is the shells' for that signal."""

    def __init__(self, number: int) -> None:
        super().__init__("Stopped.")
        self.exit_code = 128 + number


class MediaError(CartoonizeError):
    """A picture or video that cannot be read or written."""


class ModelError(CartoonizeError):
    """A style file or network that cannot be used."""


class BackendError(CartoonizeError):
    """A device, precision or runtime that is not to be had."""


class TrainingError(CartoonizeError):
    """Data or a run folder that cannot be trained on."""
