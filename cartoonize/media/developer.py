"""From decoded frames to pictures: RGB by the matrix and range of their video, SDR, upright."""

from collections.abc import Callable
from fractions import Fraction

import av
from av.video.reformatter import Interpolation

from ..errors import MediaError
from ..frames import Image, Plane
from .alpha import alpha_of, is_transparent
from .colour import SDR, Colour
from .decoding import Decoding, fitted, smaller
from .hdr import TRANSFERS, ToneMapper
from .orientation import Orientation
from .remote import Place

_AREA = Interpolation.AREA | Interpolation.ACCURATE_RND


class Developer:
    """Makes pictures of the frames of one video; what the first of them tells is taken for all.

    `width`, `height` and `sample_aspect_ratio` are those of the pictures, `colour` is what they are to become
    again when they are written. `notices` is appended to.

    Raises:
        MediaError: the video is HDR, and that is to fail.
    """

    def __init__(
        self,
        path: Place,
        first: av.VideoFrame,
        aspect: Fraction | None,
        decoding: Decoding,
        notices: list[str],
    ) -> None:
        self._limit = decoding.max_size
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

    def image(self, frame: av.VideoFrame) -> Image:
        """The picture of a frame, (H, W, 3)."""
        return self._image(self._fitted(frame))

    def image_and_alpha(self, frame: av.VideoFrame) -> tuple[Image, Plane | None]:
        """The same, and how opaque its pixels are, (H, W); None if all are."""
        drawn = self._fitted(frame)  # once for both
        alpha = alpha_of(drawn)
        return self._image(drawn), None if alpha is None else self._orientation.upright(alpha)

    def _image(self, drawn: av.VideoFrame) -> Image:
        return self._orientation.upright(self._to_rgb(drawn))

    def _fitted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """A frame no larger than asked for, scaled as it is coded: 0.4 ms from 720p; as RGB it takes 2."""
        size = fitted(frame.width, frame.height, self._limit, even=True)
        if size == (frame.width, frame.height):
            return frame
        coded = "rgba" if frame.format.has_palette else None  # palettes cannot be mixed
        return frame.reformat(*size, format=coded, interpolation=_AREA, threads=1)

    def _conversion(
        self, path: Place, first: av.VideoFrame, decoding: Decoding, notices: list[str]
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
