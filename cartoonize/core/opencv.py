"""OpenCV, imported where it is used: it takes 0.1 s, and fails on servers without graphics libraries."""

import os
from types import ModuleType

from .errors import BackendError


def load_opencv() -> ModuleType:
    """Import `cv2`.

    Raises:
        BackendError: it cannot be imported.
    """
    try:
        import cv2
    except (ImportError, OSError) as error:  # OSError comes from a library that it loads
        raise BackendError(
            f"OpenCV cannot be imported ({error}); replace opencv-python with opencv-python-headless, or "
            f"install the system packages libgl1, libglib2.0-0 and libxcb1."
        ) from error
    return cv2


def set_one_thread() -> None:
    """Make OpenCV use one thread, in this process and those that it starts. Call it before the import.

    Several pictures are processed at once, each in a thread or process, so that more threads would only
    compete. A number that is set already stays. Only programs call it: a library leaves the number to its
    caller.
    """
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
