"""Previews: one frame of a visitor's file, as it is or as a drawing, before anything is converted."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO

from PIL import Image as Pillow

from ..core.choices import Detail
from ..core.draw_size import replace_image, resolve_detail
from ..core.errors import BusyError, MediaError
from ..core.frames import Frame
from ..media import Decoding, Source, open_source
from ..media.alpha import composite_on
from ..styles import DEFAULT
from .folders import hide_folder
from .jobs import JobQueue
from .limits import frames_of_size
from .settings import ConversionSettings
from .web_job import Upload
from .worker import Worker

_MOST = 48
"""The frame that is drawn, at most: many films begin with black. Large frames count as several."""
_READ: dict[Detail, int] = {"low": 1280, "normal": 1280, "high": 1920, "full": 3840}
"""Pixels of the longer side of a frame before it is resized to the draw size, at most."""
_SENT = 960  # pixels of the longer side of a preview
_BACKGROUND = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class _Sample:
    """A frame of an upload, with the picture at its own size; `aspect` is the width of a pixel."""

    frame: Frame
    aspect: float


class Previews:
    """Draws one preview at a time, one of each visitor, and none while files are converted or wait for it."""

    def __init__(self, worker: Worker, queue: JobQueue) -> None:
        self._worker, self._queue = worker, queue
        self._turn = asyncio.Lock()
        self._visitors: set[str] = set()  # whose preview is drawn or waits for its turn
        # Two, as the page asks for all styles of a file, and for one drawing with the detail of the visitor.
        self._read = lru_cache(maxsize=2)(partial(_read_sample, worker.limits.pixels))

    async def draw(self, upload: Upload, settings: ConversionSettings | None) -> bytes | None:
        """A WebP of an upload, drawn with the settings that apply to a picture, or as it is.

        None while a file is converted or waits for it, or another preview of the visitor is drawn.

        Raises:
            CartoonizeError: the file cannot be read.
        """
        if upload.visitor in self._visitors:  # the others would wait for all that one asks for at once
            return None
        self._visitors.add(upload.visitor)
        try:
            async with self._turn:
                if self._queue.is_busy:
                    return None
                with hide_folder(upload.path.parent):
                    return await asyncio.to_thread(self._draw, upload, settings)
        except BusyError:
            return None
        finally:
            self._visitors.remove(upload.visitor)

    def _draw(self, upload: Upload, settings: ConversionSettings | None) -> bytes:
        sample = self._read(upload, "normal" if settings is None else settings.detail)
        frame = sample.frame
        if settings is None:
            shown = replace_image(frame, frame.image if frame.full is None else frame.full)
        else:
            shown = self._worker.draw(frame, settings.style, settings.look().for_pictures())
        return _encode(shown, sample.aspect)


def _read_sample(max_pixels: int, upload: Upload, detail: Detail) -> _Sample:
    decoding = Decoding(
        max_pixels=max_pixels,
        max_size=_READ[detail],
        detail=resolve_detail(detail, DEFAULT, []),
        keep_source=True,
    )
    with open_source(upload.path, decoding=decoding) as source:
        info, last = source.video, 0.0
        if info is not None:
            most = frames_of_size(_MOST, info.width, info.height)
            last = min(most, (source.frames or 0) / 2)
        frame = _frame_at(source, last)
    if frame is None:
        raise MediaError(f"No frame of {upload.path.name} can be read.")
    return _Sample(frame, float(info.sample_aspect_ratio) if info else 1.0)


def _frame_at(source: Source, number: float) -> Frame | None:
    """The frame of a number, or the last one before; None if there is none."""
    found = None
    for index, frame in enumerate(source):
        found = frame
        if index >= number:
            break
    return found


def _encode(frame: Frame, aspect: float) -> bytes:
    image = frame.image if frame.alpha is None else composite_on(frame.image, frame.alpha, _BACKGROUND)
    picture = Pillow.fromarray(image)
    width, height = picture.width * aspect, picture.height
    scale = min(1.0, _SENT / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    data = BytesIO()
    picture.resize(size, Pillow.Resampling.LANCZOS).save(data, "WEBP", quality=82)
    return data.getvalue()
