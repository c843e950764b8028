"""OpenCV, imported where it is needed: it fails on servers without graphics libraries, and costs 0.1 s."""

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
    except (ImportError, OSError) as error:  # OSError of a library that it loads
        raise BackendError(
            f"OpenCV cannot be imported ({error}); replace opencv-python by opencv-python-headless, or "
            f"install the system packages libgl1, libglib2.0-0 and libxcb1."
        ) from error
    return cv2


def set_one_thread() -> None:
    """Have OpenCV work on one thread in this process and those that it starts; call it before the import.

    Many pictures are worked on at once, one to a thread or process, so that more threads would only compete.
    A number that is set already stays. This is for programs: a library leaves the number to its caller.
    """
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
