"""OpenCV, imported late: on servers without graphics libraries the import fails, and it takes a while."""

from types import ModuleType

from ..errors import TrainingError


def load_opencv() -> ModuleType:
    """The module `cv2`, on one thread: this package works on many pictures at once, one to a process.

    OpenCV's own threads do not survive a fork, and data loaders fork.

    Raises:
        TrainingError: it cannot be imported.
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
