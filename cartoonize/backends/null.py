"""The network that changes nothing: what remains of a video, and of its time, is everything else."""

from ..core.frames import Images
from .closable import Closable


class NullBackend(Closable):
    """Gives back what it gets."""

    runtime, device, precision, batch, reading = "null", "none", "none", 1, ""
    notices: list[str] = []  # noqa: RUF012  # there is never anything to tell

    def gflop(self, height: int, width: int) -> None:
        """See LoadedBackend."""

    def __call__(self, images: Images) -> Images:
        """(N, H, W, 3) uint8 -> the same array."""
        self._check_open()
        return images
