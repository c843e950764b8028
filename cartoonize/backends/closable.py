"""What all back ends have in common: they are closed by whoever opened them."""

from typing import Self

from ..core.errors import BackendError


class Closable:
    """Owns threads or memory until `close`, or until the end of a `with` block.

    with load("pepper") as draw:
        cartoons = draw(photos)
    """

    _closed = False

    def close(self) -> None:
        """End all threads and wait for them. Closing again does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        """Raise BackendError after `close`."""
        if self._closed:
            raise BackendError("This back end is closed; load the style again.")
