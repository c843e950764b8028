"""Libraries that may be missing, imported late, with a sentence that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from ..errors import TrainingError


@contextmanager
def train_extra() -> Iterator[None]:
    """Around imports of what `cartoonize[train]` installs.

    Raises:
        TrainingError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is missing: pip install 'cartoonize[train]'.") from error


def load_opencv() -> ModuleType:
    """The module `cv2`, on one thread: this package works on many pictures at once, one to a process.

    Raises:
        TrainingError: it cannot be imported, as on servers without graphics libraries.
    """
    try:
        import cv2
    except ImportError as error:
        raise TrainingError(
            f"OpenCV cannot be imported ({error}); replace opencv-python by opencv-python-headless, or "
            f"install the system packages libgl1, libglib2.0-0 and libxcb1."
        ) from error
    cv2.setNumThreads(1)
    return cv2
