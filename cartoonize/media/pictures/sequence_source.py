"""Image sequences as a video source: numbered pictures in a folder, or the frames of a WebP or AVIF file.

Pillow reads them, so that orientation, grey, palettes and 16 bits are treated as in single pictures.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from ...core.draw_size import resize_to_draw_size
from ...core.errors import MediaError
from ...core.frames import Frame, Image, Plane
from ..colour import Colour
from ..decoding import Decoding, check_time_range, fit_size, reduced_size_notice
from ..source import Source
from ..video_info import VideoInfo, empty_range_message
from .animation import play_count
from .folder import list_pictures
from .picture import MAX_PIXELS, PILLOW_ERRORS, open_picture, read_picture, scale_down

_DEFAULT_RATE = Fraction(25)
_MILLISECOND = Fraction(1, 1000)
_MIN_DURATION, _DEFAULT_DURATION = 10, 100
"""Milliseconds. Browsers show a frame of an animation that states no more than 10 ms for 100 ms."""


@dataclass(frozen=True, slots=True)
class _SequenceImage:
    """An image, its alpha, its duration in ticks, and the name of its file."""

    image: Image
    alpha: Plane | None
    duration: int
    name: str


class ImageSequenceSource(Source):
    """The pictures of a folder in natural order of name, `fps` a second; or the frames of a WebP or
    AVIF animation.

    All have the size of the first. `start` and `end` are seconds, as of a video.

    Raises:
        MediaError: there is no picture, it cannot be read, or none is in the range; the range is empty. While
            iterating: a later one cannot be read.
    """

    video: VideoInfo

    def __init__(
        self,
        path: Path,
        *,
        start: float | None = None,
        end: float | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        check_time_range(start, end)
        self.path = path
        self._start, self._end = start or 0.0, end
        self._decoding = decoding = decoding or Decoding()
        self._max_pixels, self._max_size = decoding.max_pixels or MAX_PIXELS, decoding.max_size
        self._rate, self._ticks = _DEFAULT_RATE, 0  # the ticks of the images so far
        self._is_reduced = self._has_other_sizes = False  # which notices say once
        if path.is_dir():
            self._open_folder(decoding.fps)
        else:
            self._open_animation()
        self._timed_frames = self._time_frames()
        first = next(self._timed_frames, None)
        if first is None:
            self._ticks += sum(item.duration for item in self._images)
            raise MediaError(empty_range_message(path, float(self._ticks * self._time_base), self.frames))
        self._first = first
        if not path.is_dir():
            self._rate = 1 / (first.duration * first.time_base)  # that of all frames in most animations
        height, width = first.image.shape[:2]
        self.video = VideoInfo(
            path, width, height, self._rate, self._time_base, Colour.of_pictures(height),
            transparent=first.alpha is not None, plays=play_count(path),
        )  # fmt: skip

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once."""
        yield self._reduce_to_draw_size(self._first)
        for frame in self._timed_frames:
            self._report_size(frame)
            yield self._reduce_to_draw_size(frame)

    def _reduce_to_draw_size(self, frame: Frame) -> Frame:
        return resize_to_draw_size(frame, self._decoding.detail, keep_source=self._decoding.keep_source)

    def close(self) -> None:
        """Close the files."""
        self._images.close()

    def _open_folder(self, fps: Fraction | None) -> None:
        paths = list_pictures(self.path, self.notices)
        self._rate = fps or _DEFAULT_RATE
        self._time_base = 1 / self._rate
        self.frames: int | None = len(paths)
        self._images = self._read_folder(paths)
        if fps is None:
            self.notices.append(
                f"The pictures of {self.path} are shown 25 a second; --fps sets another rate."
            )

    def _read_folder(self, paths: list[Path]) -> Generator[_SequenceImage]:
        for path in paths:
            picture, metadata = read_picture(path, self.notices, self._max_pixels)
            alpha = None if metadata.alpha is None else np.array(metadata.alpha)
            yield _SequenceImage(np.array(picture), alpha, 1, path.name)

    def _open_animation(self) -> None:
        self._time_base = _MILLISECOND
        try:
            with open_picture(self.path, self._max_pixels) as picture:
                self.frames = getattr(picture, "n_frames", 1)
        except PILLOW_ERRORS as error:
            raise MediaError(f"Cannot read {self.path}: it is not a picture, or it is damaged.") from error
        self._images = self._read_animation()

    def _read_animation(self) -> Generator[_SequenceImage]:
        try:
            with open_picture(self.path, self._max_pixels) as picture:
                elapsed = 0
                for number in range(self.frames or 0):
                    picture.seek(number)
                    rgba = np.array(picture.convert("RGBA"))
                    alpha = None if rgba[..., 3].min() == 255 else np.ascontiguousarray(rgba[..., 3])
                    # Durations alone are rounded, and would add up to another length.
                    begin = picture.info.get("timestamp", elapsed)
                    duration = int(begin + picture.info.get("duration", 0)) - elapsed
                    elapsed += duration
                    duration = duration if duration > _MIN_DURATION else _DEFAULT_DURATION
                    yield _SequenceImage(np.ascontiguousarray(rgba[..., :3]), alpha, duration, "")
        except PILLOW_ERRORS as error:
            raise MediaError(f"Cannot read {self.path}: the file is damaged or incomplete.") from error

    def _time_frames(self) -> Iterator[Frame]:
        """The frames of the range, with times from its start."""
        offset = round(self._start / self._time_base)
        for item in map(self._limit_size, self._images):
            pts = self._ticks - offset
            self._ticks += item.duration
            if self._end is not None and pts * self._time_base >= self._end - self._start:
                return
            if pts >= 0:
                yield Frame(item.image, pts, self._time_base, item.duration, item.name, item.alpha)

    def _limit_size(self, item: _SequenceImage) -> _SequenceImage:
        """The image, reduced to the maximum size if it is larger."""
        height, width = item.image.shape[:2]
        size = fit_size(width, height, self._max_size, even=True)
        if size == (width, height):
            return item
        if not self._is_reduced:
            self.notices.append(reduced_size_notice(self.path.name, (width, height), size))
            self._is_reduced = True
        image, alpha = (
            None if plane is None else np.array(scale_down(Pillow.fromarray(plane), size))
            for plane in (item.image, item.alpha)
        )
        assert image is not None
        return replace(item, image=image, alpha=alpha)

    def _report_size(self, frame: Frame) -> None:
        height, width = frame.image.shape[:2]
        if (width, height) != (self.video.width, self.video.height) and not self._has_other_sizes:
            size = f"{self.video.width}x{self.video.height}"
            self.notices.append(
                f"{frame.name} is {width}x{height}; pictures of another size than the first were scaled to "
                f"its {size}."
            )
            self._has_other_sizes = True
