"""The photos that are used without --photos."""

from pathlib import Path

from ...core.errors import TrainingError


def find_photo_set() -> Path:
    """The folder of the photo set.

    Raises:
        TrainingError: there is none.
    """
    raise TrainingError(
        "Name a folder of photos by --photos, with 200 or more of what you want to draw: people, rooms, "
        "streets, nature. Your own are best; they stay on this machine."
    )
