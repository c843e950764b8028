"""Turn video and pictures into cartoons.

>>> from cartoonize import stylize
>>> stylize("holiday.mp4", "cartoon.mp4")

docs/reference.md shows how to process the frames yourself.
"""

from typing import TYPE_CHECKING

from .core.errors import BackendError, CartoonizeError, MediaError, ModelError, TrainingError
from .core.lazy import import_on_use
from .version import __version__

if TYPE_CHECKING:
    from .backends import RuntimeOptions, load
    from .core.frames import Backend, Frame, Image, Images
    from .effects.compositing import Retouch
    from .effects.effect import Effect
    from .effects.hold import Hold
    from .effects.look import Look
    from .effects.stabilizer import Stabilizer
    from .media import Decoding, Encoding, open_sink, open_source
    from .run.job import stylize
    from .run.pipeline import stream
    from .run.report import Report

    OnnxOptions = RuntimeOptions

# Imported at first use: torch and FFmpeg take seconds, and `cartoonize --help` needs neither.
_HOMES = {
    "Backend": "core.frames", "Frame": "core.frames", "Image": "core.frames", "Images": "core.frames",
    "Decoding": "media", "Encoding": "media", "open_sink": "media", "open_source": "media",
    "OnnxOptions": "backends:RuntimeOptions",  # its name in earlier versions
    "RuntimeOptions": "backends", "load": "backends", "stream": "run.pipeline",
    "Effect": "effects.effect", "Hold": "effects.hold", "Look": "effects.look",
    "Report": "run.report", "Retouch": "effects.compositing", "Stabilizer": "effects.stabilizer",
    "stylize": "run.job",
}  # fmt: skip

__all__ = [
    "Backend", "BackendError", "CartoonizeError", "Decoding", "Effect", "Encoding", "Frame", "Hold", "Image",
    "Images", "Look", "MediaError", "ModelError", "OnnxOptions", "Report", "Retouch", "RuntimeOptions",
    "Stabilizer", "TrainingError", "__version__", "load", "open_sink", "open_source", "stream", "stylize",
]  # fmt: skip

__getattr__ = import_on_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
