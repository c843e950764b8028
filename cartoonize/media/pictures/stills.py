"""Pictures as a video, and a video as pictures: numbered files in a folder, and animated WebP.

Pillow reads and writes them, so that orientation, grey, palettes and 16 bits are met as in single pictures.
"""

import contextlib
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from av.container import OutputContainer
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from ...core.atomic import AtomicFile
from ...core.draw_size import resize_to_draw_size
from ...core.errors import MediaError, WriteError
from ...core.frames import Frame, Image, Plane
from ...core.signals import defer_signals
from ..alpha import background_colour, on_background
from ..colour import Colour
from ..decoding import Decoding, fitted, smaller
from ..video_info import Closing, Film
from ..writing.passthrough import NoPassthrough
from .animation import plays
from .images import FORMATS, files_of, pictures_in, write_picture
from .picture import DAMAGE, MAX_PIXELS, open_picture, read_picture, reduced

_USUAL_RATE = Fraction(25)
_MILLISECOND = Fraction(1, 1000)
_NUMBER = re.compile(r"%(0\d)?d")


@dataclass(frozen=True, slots=True)
class _Still:
    """A picture, how opaque it is, and how long it is shown, in ticks."""

    image: Image
    alpha: Plane | None
    duration: int
    name: str


class StillsSource(Closing):
    """The pictures of a folder in natural order of name, `fps` a second; or the frames of an animated WebP.

    All are shown at the size of the first. `start` and `end` are seconds, as of a video.

    Raises:
        MediaError: there is no picture, it cannot be read, or none is in the range. While iterating: a
            later one cannot be read.
    """

    shift = 0.0
    sample_aspect_ratio = Fraction(1)

    def __init__(
        self,
        path: Path,
        *,
        start: float | None = None,
        end: float | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        self.path = path
        self.notices: list[str] = []
        self._start, self._end = start or 0.0, end
        self._decoding = decoding = decoding or Decoding()
        self._limit, self._max_size = decoding.max_pixels or MAX_PIXELS, decoding.max_size
        self.plays = plays(path)
        if path.is_dir():
            self._open_folder(decoding.fps)
        else:
            self._open_animation()
        self._moments = self._timed()
        first = next(self._moments, None)
        if first is None:
            raise MediaError(f"There is no frame of {path} in the range asked for.")
        self._first = first
        self.height, self.width = first.image.shape[:2]
        self.transparent = first.alpha is not None
        self.colour, self.pixel_format = Colour.of_pictures(self.height), "rgb24"

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once."""
        yield self._prepared(self._first)
        for frame in self._moments:
            self._tell_of_size(frame)
            yield self._prepared(frame)

    def _prepared(self, frame: Frame) -> Frame:
        return resize_to_draw_size(frame, self._decoding.detail, keep_source=self._decoding.keep_source)

    def close(self) -> None:
        """Release the files."""
        self._stills.close()

    def accompany(self, output: OutputContainer, *, audio: bool, notices: list[str]) -> NoPassthrough:  # noqa: ARG002
        """Nothing belongs to pictures."""
        return NoPassthrough()

    def _open_folder(self, fps: Fraction | None) -> None:
        paths = pictures_in(self.path)
        self.rate = fps or _USUAL_RATE
        self.time_base = 1 / self.rate
        self.frames: int | None = len(paths)
        self._stills = self._of_folder(paths)
        if fps is None:
            self.notices.append(
                f"The pictures of {self.path} are shown 25 a second; --fps sets another rate."
            )

    def _of_folder(self, paths: list[Path]) -> Generator[_Still]:
        for path in paths:
            picture, details = read_picture(path, self.notices, self._limit)
            alpha = None if details.alpha is None else np.array(details.alpha)
            yield _Still(np.array(picture), alpha, 1, path.name)

    def _open_animation(self) -> None:
        self.time_base = _MILLISECOND
        try:
            with open_picture(self.path, self._limit) as picture:
                self.frames = getattr(picture, "n_frames", 1)
        except DAMAGE as error:
            raise MediaError(f"Cannot read {self.path}: it is no picture, or it is damaged.") from error
        self.rate = _USUAL_RATE
        self._stills = self._of_animation()

    def _of_animation(self) -> Generator[_Still]:
        try:
            with open_picture(self.path, self._limit) as picture:
                for number in range(self.frames or 0):
                    picture.seek(number)
                    whole = np.array(picture.convert("RGBA"))
                    alpha = None if whole[..., 3].min() == 255 else np.ascontiguousarray(whole[..., 3])
                    shown = int(picture.info.get("duration", 0))
                    yield _Still(np.ascontiguousarray(whole[..., :3]), alpha, shown, "")
        except DAMAGE as error:
            raise MediaError(f"Cannot read {self.path}: the file is damaged or incomplete.") from error

    def _timed(self) -> Iterator[Frame]:
        """The frames of the range, counted from its start."""
        offset, pts = round(self._start / self.time_base), 0
        for still in map(self._fitted, self._stills):
            begins = pts - offset
            pts += still.duration
            if self._end is not None and begins * self.time_base >= self._end - self._start:
                return
            if begins >= 0:
                yield Frame(still.image, begins, self.time_base, still.duration, still.name, still.alpha)

    def _fitted(self, still: _Still) -> _Still:
        """Made smaller, as is asked for."""
        height, width = still.image.shape[:2]
        size = fitted(width, height, self._max_size, even=True)
        if size == (width, height):
            return still
        sentence = smaller(still.name or self.path.name, (width, height), size)
        if sentence not in self.notices:
            self.notices.append(sentence)
        image, alpha = (
            None if plane is None else np.array(reduced(Pillow.fromarray(plane), size))
            for plane in (still.image, still.alpha)
        )
        assert image is not None
        return replace(still, image=image, alpha=alpha)

    def _tell_of_size(self, frame: Frame) -> None:
        height, width = frame.image.shape[:2]
        if (width, height) != (self.width, self.height):
            size = f"{self.width}x{self.height}"
            self.notices.append(
                f"{frame.name} is {width}x{height}; it was scaled to the {size} of the first."
            )


class StillsSink:
    """Writes the frames of a film as numbered pictures, from 1 on, whatever their times.

    `path` is a folder that is there, which gets 00001.png and so on, or a name with a place for the number,
    such as frames/%05d.jpg, whose folder is made if need be. The files appear together at the end of the
    `with` block. What pictures cannot hold is left out with a notice.

    Raises:
        MediaError: the suffix is no picture's, or the folder is the source's or cannot be written to. While
            writing: a file is there already and `overwrite` is false, or the format cannot hold such a
            picture.
    """

    def __init__(self, path: Path, source: Film, *, background: str, overwrite: bool) -> None:
        self._pattern = path / "%05d.png" if path.is_dir() else path
        self._background, self._name = background_colour(background), background
        self._overwrite, self._sources = overwrite, files_of(source.path)
        suffix = self._pattern.suffix.lower()
        if suffix not in FORMATS:
            raise MediaError(f"{self._pattern} is not named like a picture; write name/%05d.png.")
        folder = self._pattern.parent
        if folder.exists() and isinstance(source, StillsSource) and folder.samefile(source.path):
            raise MediaError(f"{folder} is the source itself; name another folder to write to.")
        self._format = FORMATS[suffix]
        self._files: list[AtomicFile] = []
        self.notices = [f"Pictures hold neither times nor sound; those of {source.path.name} are left out."]
        if path.is_dir() and source.path.suffix:
            self.notices[0] += f" For a video, name {path / source.path.name}."

    def write(self, frame: Frame) -> None:
        """Write the next picture."""
        name = _NUMBER.sub(lambda place: place[0] % (len(self._files) + 1), self._pattern.name)
        target = self._pattern.with_name(name)
        file = AtomicFile(target, overwrite=self._overwrite, sources=self._sources)
        self._files.append(file)
        write_picture(self._picture(frame), file)

    def __enter__(self) -> Self:
        folder = self._pattern.parent
        self._new_folder = not folder.exists()
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise WriteError.from_os_error(folder, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with defer_signals():
                    for file in self._files:
                        file.commit()
        finally:
            for file in self._files:
                file.discard()  # finds nothing once the file has its name
            if self._new_folder:
                with contextlib.suppress(OSError):
                    self._pattern.parent.rmdir()  # fails, as it should, unless it is empty

    def _picture(self, frame: Frame) -> Picture:
        image = frame.image
        if frame.alpha is not None and not self._format.alpha:
            image = on_background(image, frame.alpha, self._background)
            told = f"{self._format.name} pictures cannot be transparent; they were laid on {self._name}."
            self.notices += [] if told in self.notices else [told]
        picture = Pillow.fromarray(image)
        if frame.alpha is not None and self._format.alpha:
            picture.putalpha(Pillow.fromarray(frame.alpha))
        return picture


def is_series(path: Path) -> bool:
    """Whether a target stands for numbered pictures: a folder, or a name with a place for the number."""
    return path.is_dir() or _NUMBER.search(path.name) is not None
