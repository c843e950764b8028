"""The style "null" returns pictures unchanged, to show the effect and the time of everything else."""

from pathlib import Path

from ..core.frames import Images
from .loaded_backend import LoadedBackend
from .options import RuntimeOptions
from .registry import register


@register("null", styles=("null",), options=("provider", "input_range", "channel_order"))
class NullBackend(LoadedBackend):
    """Returns the array that it is given; device, precision and options change nothing."""

    runtime = "null"

    def __init__(self, _path: Path, _device: str, _precision: str, _options: RuntimeOptions) -> None:
        self.device, self.precision, self.batch = "none", "none", 1

    def _draw(self, images: Images) -> Images:
        return images
