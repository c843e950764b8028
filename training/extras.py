"""Libraries that may be missing, imported late, with a sentence that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.errors import TrainingError


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
