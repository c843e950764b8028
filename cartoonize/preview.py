"""Contact sheets: moments of a video beside their drawings, and a picture in all styles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from PIL.Image import Image as Picture

from .backends import LoadedBackend, load
from .errors import MediaError
from .frames import Frame, Image
from .media import (
    PICTURE_SUFFIXES,
    Decoding,
    VideoSource,
    open_source,
    open_video,
)
from .media.images import FORMATS
from .media.video import STREAMED
from .pending import PendingFile
from .retouch import Retouch

MOST = 100
"""Moments of a sheet."""
_SIDE = 480  # the longer side of a picture on a sheet, in pixels
_GAP, _TEXT = 12, 20  # pixels
_PAPER, _INK = (250, 248, 244), (45, 38, 34)


@dataclass(frozen=True, slots=True)
class Cell:
    """Pictures one above the other, and what stands below them."""

    pictures: tuple[Image, ...]
    label: str


def preview_video(
    source: Path,
    target: Path,
    backend: LoadedBackend,
    *,
    count: int,
    start: float | None = None,
    end: float | None = None,
    decoding: Decoding | None = None,
    retouch: Retouch | None = None,
    overwrite: bool = False,
) -> None:
    """Write a picture of `count` moments of a video, evenly spread: the source above, the drawing below.

    Each moment is found by seeking, so that it takes seconds however long the video is. What `retouch` makes
    of one frame stands alone where it shows source and drawing already.

    Raises:
        MediaError: it cannot be sought or has no known length; the target is no picture, or is there already;
            or as `open_video`.
    """
    if not 1 <= count <= MOST:
        raise MediaError(f"A preview has from 1 to {MOST} moments, not {count}.")
    file = _sheet_file(target, overwrite=overwrite)
    cells = []
    for time in _moments(source, count, start, end, decoding):
        with open_video(source, start=time, decoding=decoding) as film:
            frame = next(iter(film))
        drawn = (retouch or Retouch())(frame, backend(frame.image[None])[0])
        both = retouch is not None and retouch.compare is not None
        cells.append(Cell((drawn.image,) if both else (frame.image, drawn.image), _clock(time)))
    _save(sheet(cells), file)


def preview_styles(
    source: Path,
    target: Path,
    styles: Sequence[str],
    *,
    device: str = "auto",
    overwrite: bool = False,
) -> None:
    """Write a picture, or a video's middle frame, as it is and in each style, with their names.

    Raises:
        MediaError: as `open_source`; the target is no picture, or is there already.
        ModelError: a style cannot be used.
    """
    file = _sheet_file(target, overwrite=overwrite)
    frame = _middle(source)
    cells = [Cell((frame.image,), source.name)]
    cells += [Cell((load(name, device=device)(frame.image[None])[0],), name) for name in styles]
    _save(sheet(cells), file)


def sheet(cells: Sequence[Cell]) -> Picture:
    """Cells in rows, about as many as columns, each scaled to 480 pixels at most."""
    height, width = cells[0].pictures[0].shape[:2]
    scale = min(1.0, _SIDE / max(width, height))
    columns = math.ceil(math.sqrt(len(cells)))
    rows = math.ceil(len(cells) / columns)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    deep = len(cells[0].pictures) * (high + _GAP // 2) + _TEXT
    size = columns * (wide + _GAP) + _GAP, rows * (deep + _GAP) + _GAP
    paper = Pillow.new("RGB", size, _PAPER)
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(size=14)
    for number, cell in enumerate(cells):
        left = _GAP + number % columns * (wide + _GAP)
        top = _GAP + number // columns * (deep + _GAP)
        for picture in cell.pictures:
            small = Pillow.fromarray(picture).resize((wide, high), Pillow.Resampling.LANCZOS)
            paper.paste(small, (left, top))
            top += high + _GAP // 2
        pen.text((left + wide / 2, top), cell.label, fill=_INK, font=font, anchor="ma")
    return paper


def _moments(
    source: Path, count: int, start: float | None, end: float | None, decoding: Decoding | None
) -> list[float]:
    """Seconds of the source's clock: the middles of `count` equal parts."""
    if source == STREAMED:
        raise MediaError("Standard input cannot be sought; name a file for a preview.")
    with open_video(source, start=start, end=end, decoding=decoding) as film:
        if not film.frames:
            raise MediaError(f"{source} does not tell how long it is; --end says so for a preview.")
        length = float(film.frames / film.rate)
    return [(start or 0.0) + (number + 0.5) * length / count for number in range(count)]


def _middle(source: Path) -> Frame:
    with open_source(source) as opened:
        if not isinstance(opened, VideoSource) or not opened.frames:
            return next(iter(opened))
        middle = float(opened.frames / opened.rate) / 2
    with open_video(source, start=middle) as film:
        return next(iter(film))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _sheet_file(target: Path, *, overwrite: bool) -> PendingFile:
    if target.suffix.lower() not in PICTURE_SUFFIXES:
        raise MediaError(f"A preview is a picture: name {target.with_suffix('.png')}, or .jpg.")
    return PendingFile(target, overwrite=overwrite)


def _save(picture: Picture, file: PendingFile) -> None:
    kind = FORMATS[file.target.suffix.lower()]
    try:
        picture.save(file.path, kind.name, **kind.options)
        file.commit()
    except (OSError, ValueError) as error:
        raise MediaError(f"Cannot write {file.target}: {error}.") from error
    finally:
        file.discard()
