"""Contact sheets: moments of a video with their drawings, and a picture in all styles."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
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
from ..effects.look import Look
from ..media import PICTURE_SUFFIXES, Decoding, open_source, open_video
from ..media.alpha import composite_on
from ..media.pictures.folder import list_source_files
from ..media.pictures.formats import write_picture
from ..media.reading.standard_input import STANDARD_INPUT
from .drawer import Drawer

MAX_MOMENTS = 100
"""The most moments that one sheet can show."""
_SIDE = 480  # pixels of the longer side of a picture on a sheet, at most
_PHOTO_SPAN = 2  # columns and rows of the photo on a sheet of styles
_GAP, _LABEL = 12, 20  # pixels between pictures, and of the line below them
_BACKGROUND, _TEXT_COLOUR = (250, 248, 244), (45, 38, 34)


@dataclass(frozen=True, slots=True)
class Cell:
    """Pictures of one size, one above the other, and the text below them."""

    pictures: tuple[Image, ...]
    label: str
    aspect: float = 1.0  # width of a pixel, as a multiple of its height


def preview_video(
    source: Path,
    target: Path,
    load_backend: Callable[[], LoadedBackend],
    *,
    count: int,
    start: float | None = None,
    end: float | None = None,
    decoding: Decoding | None = None,
    look: Look | None = None,
    overwrite: bool = False,
    on_moment: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Write a sheet of `count` moments of a video, evenly spread: the source above, the drawing below.

    It seeks to each moment, so it takes seconds however long the video is. If `look` already compares source
    and drawing in one picture, only that picture is shown. `load_backend` is called once, after the other
    arguments are checked, `on_moment` with the number of moments that are done. Returns notices for the user.

    Raises:
        MediaError: the source cannot be sought or its length is unknown; the target is not a picture, or
            exists already; or as `open_video`.
    """
    if not 1 <= count <= MAX_MOMENTS:
        raise MediaError(f"A preview has from 1 to {MAX_MOMENTS} moments, not {count}.")
    file = _sheet_file(target, source, overwrite=overwrite)
    look = (look or Look()).for_pictures()
    times, drawer = _moments(source, count, start, end, decoding), Drawer(load_backend(), look.effects())
    cells, notices = list[Cell](), list[str]()
    for number, time in enumerate(times, start=1):
        frame, aspect = _frame_at(source, time, decoding)
        if frame is None:
            notices.append(f"There is no picture at {_clock(time)} of {source.name}.")
        else:
            result = drawer.effects(frame, drawer([frame])()[0])
            pictures = (result,) if look.compares else (_source_frame(frame), result)
            cells.append(Cell(tuple(map(_to_opaque, pictures)), _clock(time), aspect))
        on_moment(number)
    if not cells:
        raise MediaError(f"No picture of {source} can be read at any of the {count} moments.")
    _save(draw_sheet(cells), file)
    return notices


def preview_styles(
    source: Path,
    target: Path,
    styles: Sequence[str],
    *,
    device: str = "auto",
    detail: Detail = "normal",
    overwrite: bool = False,
    on_style: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a sheet with a picture, or a video's middle frame, unchanged and in each style, with names.

    `on_style` is called with the number of styles that are done.

    Raises:
        MediaError: as `open_source`; the target is not a picture, or exists already.
        ModelError: a style cannot be used.
    """
    file = _sheet_file(target, source, overwrite=overwrite)
    picture = _middle_frame(source).image
    cells = []
    for number, name in enumerate(styles, start=1):
        with load(name, device=device) as backend:
            cells.append(Cell((draw_picture(backend, picture, detail),), name))
        on_style(number)
    _save(draw_style_sheet(Cell((picture,), source.name), cells), file)


def draw_sheet(cells: Sequence[Cell], columns: int | None = None) -> Picture:
    """Arrange cells in rows, each picture scaled to 480 pixels at most.

    Without a number of `columns`, there are about as many rows.
    """
    columns = columns or math.ceil(math.sqrt(len(cells)))
    sheet = _Sheet(cells[0], columns, math.ceil(len(cells) / columns), _SIDE)
    for number, cell in enumerate(cells):
        sheet.draw(cell, number % columns, number // columns)
    return sheet.picture


def draw_style_sheet(photo: Cell, drawings: Sequence[Cell], side: int = _SIDE) -> Picture:
    """Arrange a photo, as large as two rows and two columns, and drawings of it in the other places.

    There are about as many rows as columns, and as few empty places as possible. The drawings are scaled to
    `side` pixels at most.
    """
    places = len(drawings) + _PHOTO_SPAN**2
    least = max(_PHOTO_SPAN + 1, math.ceil(math.sqrt(places)))
    grids = [(max(_PHOTO_SPAN, math.ceil(places / count)), count) for count in range(least, least + 3)]
    rows, columns = min(grids, key=math.prod)
    sheet = _Sheet(photo, columns, rows, side)
    sheet.draw(photo, 0, 0, span=_PHOTO_SPAN)
    free = (
        (column, row)
        for row, column in product(range(rows), range(columns))
        if max(row, column) >= _PHOTO_SPAN
    )
    for cell, position in zip(drawings, free, strict=False):
        sheet.draw(cell, *position)
    return sheet.picture


class _Sheet:
    """A grid of places for cells that are like the `first` one."""

    def __init__(self, first: Cell, columns: int, rows: int, side: int) -> None:
        height, width = first.pictures[0].shape[:2]
        width = round(width * first.aspect)
        scale = min(1.0, side / max(width, height))
        self._size = max(1, round(width * scale)), max(1, round(height * scale))
        self._step = (
            self._size[0] + _GAP,
            len(first.pictures) * (self._size[1] + _GAP // 2) + _LABEL + _GAP,
        )
        size = columns * self._step[0] + _GAP, rows * self._step[1] + _GAP
        self.picture = Pillow.new("RGB", size, _BACKGROUND)
        self._draw, self._font = ImageDraw.Draw(self.picture), ImageFont.load_default(size=14)

    def draw(self, cell: Cell, column: int, row: int, span: int = 1) -> None:
        """Draw a cell; one that spans several columns and rows is cropped a little, to fill them."""
        left, top = _GAP + column * self._step[0], _GAP + row * self._step[1]
        more_width, more_height = ((span - 1) * step for step in self._step)
        size = self._size[0] + more_width, self._size[1] + more_height
        for picture in cell.pictures:
            self.picture.paste(_fill(picture, size, cell.aspect), (left, top))
            top += size[1] + _GAP // 2
        self._draw.text(
            (left + size[0] / 2, top), cell.label, fill=_TEXT_COLOUR, font=self._font, anchor="ma"
        )


def _fill(picture: Image, size: tuple[int, int], aspect: float) -> Picture:
    """A picture scaled to a size, without its edges if that has another shape."""
    height, width = picture.shape[:2]
    scale = max(size[0] / (width * aspect), size[1] / height)
    kept = size[0] / scale / aspect, size[1] / scale  # pixels of the picture
    left, top = (width - kept[0]) / 2, (height - kept[1]) / 2
    box = max(0.0, left), max(0.0, top), min(width, left + kept[0]), min(height, top + kept[1])
    return Pillow.fromarray(picture).resize(size, Pillow.Resampling.LANCZOS, box=box)


def _moments(
    source: Path, count: int, start: float | None, end: float | None, decoding: Decoding | None
) -> list[float]:
    """The middles of `count` equal parts of a video, in seconds of its clock."""
    if source == STANDARD_INPUT:
        raise MediaError("A preview has to seek, which standard input cannot; name a file.")
    with open_video(source, start=start, end=end, decoding=decoding) as video:
        length = video.measure_duration()
    if length is None:
        raise MediaError(f"{source} states no times, so a preview cannot choose its moments.")
    return [(start or 0.0) + (number + 0.5) * length / count for number in range(count)]


def _frame_at(source: Path, time: float, decoding: Decoding | None) -> tuple[Frame | None, float]:
    """The first frame at or after `time`, or None if it cannot be read; and the aspect of its pixels."""
    try:
        with open_video(source, start=time, decoding=decoding) as video:
            return next(iter(video), None), float(video.video.sample_aspect_ratio)
    except MediaError:
        return None, 1.0


def _to_opaque(frame: Frame) -> Image:
    return frame.image if frame.alpha is None else composite_on(frame.image, frame.alpha, _BACKGROUND)


def _source_frame(frame: Frame) -> Frame:
    """The frame at the source's own size."""
    return replace_image(frame, frame.image if frame.full is None else frame.full)


def _middle_frame(path: Path) -> Frame:
    """The middle frame of a video that can be sought, otherwise the first frame."""
    with open_source(path) as source:
        if source.resumable is None or not source.frames:
            return next(iter(source))
        middle = float(source.frames / source.resumable.video.rate) / 2
    with open_video(path, start=middle) as video:
        return next(iter(video))


def _clock(seconds: float) -> str:
    """H:MM:SS.s, or M:SS.s."""
    minutes, rest = divmod(round(seconds, 1), 60)
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
