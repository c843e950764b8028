"""OpenCV, imported where it is needed: it fails on servers without graphics libraries, and costs 0.1 s."""

from types import ModuleType

from .errors import BackendError


def load_opencv() -> ModuleType:
    """The module `cv2`, on one thread: its callers work on many pictures at once, one to a thread or process.

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
    cv2.setNumThreads(1)
    return cv2
