"""Optional libraries: an error that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.errors import TrainingError


@contextmanager
def train_extra() -> Iterator[None]:
    """Put imports of the libraries of `cartoonize[train]` in this context.

    Raises:
        TrainingError: a library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is missing: run pip install 'cartoonize[train]'.") from error
