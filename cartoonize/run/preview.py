"""Contact sheets: moments of a video beside their drawings, and a picture in all styles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from PIL.Image import Image as Picture

from ..backends import LoadedBackend, load
from ..core.atomic import AtomicFile
from ..core.choices import Detail
from ..core.draw_size import draw_picture, replace_image
from ..core.errors import MediaError
from ..core.frames import Frame, Image
from ..effects.effect import EffectChain
from ..effects.look import Look
from ..media import PICTURE_SUFFIXES, Decoding, open_source, open_video
from ..media.alpha import lay_on_background
from ..media.pictures.folder import list_source_files
from ..media.pictures.formats import write_picture
from ..media.reading.standard_input import STANDARD_INPUT

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
    aspect: float = 1.0  # width of a pixel, as a multiple of its height


def preview_video(
    source: Path,
    target: Path,
    backend: LoadedBackend,
    *,
    count: int,
    start: float | None = None,
    end: float | None = None,
    decoding: Decoding | None = None,
    look: Look | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write a picture of `count` moments of a video, evenly spread: the source above, the drawing below.

    Each moment is found by seeking, so that it takes seconds however long the video is. A picture in which
    `look` compares both stands alone. The answer is what is to be told.

    Raises:
        MediaError: it cannot be sought or has no known length; the target is no picture, or is there already;
            or as `open_video`.
    """
    if not 1 <= count <= MOST:
        raise MediaError(f"A preview has from 1 to {MOST} moments, not {count}.")
    file = _sheet_file(target, source, overwrite=overwrite)
    look, cells, notices = (look or Look()).for_pictures(), [], list[str]()
    chain = EffectChain(look.effects())
    for time in _moments(source, count, start, end, decoding):
        frame, aspect = _frame_at(source, time, decoding)
        if frame is None:
            notices.append(f"There is no picture at {_clock(time)} of {source.name}.")
            continue
        drawn = chain(frame, backend(frame.image[None])[0])
        shown = (drawn,) if look.compares else (_source(frame), drawn)
        cells.append(Cell(tuple(map(_opaque, shown)), _clock(time), aspect))
    if not cells:
        raise MediaError(f"No picture of {source} can be read at any of the {count} moments.")
    _save(sheet(cells), file)
    return notices


def preview_styles(
    source: Path,
    target: Path,
    styles: Sequence[str],
    *,
    device: str = "auto",
    detail: Detail = "normal",
    overwrite: bool = False,
) -> None:
    """Write a picture, or a video's middle frame, as it is and in each style, with their names.

    Raises:
        MediaError: as `open_source`; the target is no picture, or is there already.
        ModelError: a style cannot be used.
    """
    file = _sheet_file(target, source, overwrite=overwrite)
    picture = _middle(source).image
    cells = [Cell((picture,), source.name)]
    for name in styles:
        with load(name, device=device) as backend:
            cells.append(Cell((draw_picture(backend, picture, detail),), name))
    _save(sheet(cells), file)


def sheet(cells: Sequence[Cell]) -> Picture:
    """Cells in rows, about as many as columns, each scaled to 480 pixels at most."""
    height, width = cells[0].pictures[0].shape[:2]
    width = round(width * cells[0].aspect)
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
    if source == STANDARD_INPUT:
        raise MediaError("Standard input cannot be sought; name a file for a preview.")
    with open_video(source, start=start, end=end, decoding=decoding) as video:
        length = video.measure_duration()
    if length is None:
        raise MediaError(f"{source} holds no times, so that no moment of it can be found for a preview.")
    return [(start or 0.0) + (number + 0.5) * length / count for number in range(count)]


def _frame_at(source: Path, time: float, decoding: Decoding | None) -> tuple[Frame | None, float]:
    """The first frame from a moment on, and the shape of its pixels; None if none can be read."""
    try:
        with open_video(source, start=time, decoding=decoding) as film:
            return next(iter(film), None), float(film.video.sample_aspect_ratio)
    except MediaError:
        return None, 1.0


def _opaque(frame: Frame) -> Image:
    return frame.image if frame.alpha is None else lay_on_background(frame.image, frame.alpha, _PAPER)


def _source(frame: Frame) -> Frame:
    """The frame with the source at its own size."""
    return replace_image(frame, frame.image if frame.full is None else frame.full)


def _middle(source: Path) -> Frame:
    with open_source(source) as opened:
        if opened.resumable is None or not opened.frames:
            return next(iter(opened))
        middle = float(opened.frames / opened.resumable.video.rate) / 2
    with open_video(source, start=middle) as film:
        return next(iter(film))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _sheet_file(target: Path, source: Path, *, overwrite: bool) -> AtomicFile:
    if target.suffix.lower() not in PICTURE_SUFFIXES:
        raise MediaError(f"A preview is a picture: name {target.with_suffix('.png')}, or .jpg.")
    return AtomicFile(target, overwrite=overwrite, sources=list_source_files(source))


def _save(picture: Picture, file: AtomicFile) -> None:
    try:
        write_picture(picture, file)
        file.commit()
    finally:
        file.discard()
