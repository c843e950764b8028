"""From decoded frames to pictures: RGB by the matrix and range of their video, SDR, upright."""

from collections.abc import Callable
from fractions import Fraction

import av
from av.video.reformatter import Interpolation

from ...core.draw_size import draw_size, resize_to_draw_size
from ...core.errors import MediaError
from ...core.frames import Frame, Image
from ..alpha import alpha_of, is_transparent
from ..colour import SDR, Colour
from ..decoding import Decoding, fitted, smaller
from ..remote import Location
from .hdr import TRANSFERS, ToneMapper
from .orientation import Orientation

_AREA = Interpolation.AREA | Interpolation.ACCURATE_RND


class FrameConverter:
    """Makes pictures of the frames of one video; what the first of them tells is taken for all.

    `width`, `height` and `sample_aspect_ratio` are those of the pictures, `colour` is what they are to become
    again when they are written. `detail` is the size at which they are drawn; it may change from one
    frame to the next. `notices` is appended to.

    Raises:
        MediaError: the video is HDR, and that is to fail.
    """

    def __init__(
        self,
        path: Location,
        first: av.VideoFrame,
        aspect: Fraction | None,
        decoding: Decoding,
        notices: list[str],
    ) -> None:
        self._limit, self.detail, self._keep_source = decoding.max_size, decoding.detail, decoding.keep_source
        self.colour = Colour.of(first)
        self._to_rgb = self._conversion(path, first, decoding, notices)
        self.pixel_format = first.format.name
        self.transparent = is_transparent(first)
        self._orientation = Orientation.of(first)
        drawn = self._fitted(first)
        self.width, self.height = drawn.width, drawn.height
        if drawn is not first:
            self.colour = self.colour.stated()
            notices.append(smaller(path.name, (first.width, first.height), (drawn.width, drawn.height)))
        self.sample_aspect_ratio = aspect or Fraction(1)
        if self._orientation.transposed:
            self.width, self.height = self.height, self.width
            self.sample_aspect_ratio = 1 / self.sample_aspect_ratio

    def convert(self, frame: av.VideoFrame, pts: int, time_base: Fraction, duration: int = 0) -> Frame:
        """The picture of a frame, at its time."""
        fitted_frame = self._fitted(frame)  # once for both
        alpha = alpha_of(fitted_frame)
        upright_alpha = None if alpha is None else self._orientation.upright(alpha)
        size = self._upright_size(fitted_frame)
        drawn_size = draw_size(*size, self.detail)
        if self._keep_source or drawn_size >= size:
            whole = Frame(self._image(fitted_frame), pts, time_base, duration, alpha=upright_alpha)
            return resize_to_draw_size(whole, self.detail, keep_source=self._keep_source)
        image = self._image(_scaled(frame, self._coded_size(drawn_size)))
        return Frame(image, pts, time_base, duration, alpha=upright_alpha, full_size=size)

    def image(self, frame: av.VideoFrame) -> Image:
        """The picture of a frame at the size at which it is drawn."""
        return self.convert(frame, 0, Fraction(1)).image

    def _image(self, frame: av.VideoFrame) -> Image:
        return self._orientation.upright(self._to_rgb(frame))

    def _upright_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        return self._coded_size((frame.width, frame.height))

    def _coded_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """An upright width and height as they are coded, or the other way round."""
        return size[::-1] if self._orientation.transposed else size

    def _fitted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """A frame no larger than asked for."""
        size = fitted(frame.width, frame.height, self._limit, even=True)
        return frame if size == (frame.width, frame.height) else _scaled(frame, size)

    def _conversion(
        self, path: Location, first: av.VideoFrame, decoding: Decoding, notices: list[str]
    ) -> Callable[[av.VideoFrame], Image]:
        """How frames become RGB; of what becomes SDR, `colour` is that of SDR."""
        bits, hdr = first.format.components[0].bits, TRANSFERS.get(self.colour.transfer)
        if hdr and decoding.hdr == "fail":
            raise MediaError(
                f"{path} is {hdr} (HDR), which comes out in SDR only; allow it by --hdr tonemap."
            )
        if hdr:
            notices.append(f"{path.name} is {hdr} (HDR); it was tone-mapped to SDR, by ITU-R BT.2390.")
            mapper, self.colour = ToneMapper(first, self.colour.sws), SDR
            return mapper
        if bits > 8:
            notices.append(f"{path.name} is {bits}-bit; its samples were reduced to 8 bits.")
        return self.colour.to_rgb


def _scaled(frame: av.VideoFrame, size: tuple[int, int]) -> av.VideoFrame:
    """A smaller frame, scaled as it is coded: 0.4 ms from 720p; as RGB it takes 2."""
    coded = "rgba" if frame.format.has_palette else None  # palettes cannot be mixed
    return frame.reformat(*size, format=coded, interpolation=_AREA, threads=1)
