"""From decoded frames to pictures: RGB by the matrix and range of their video, SDR, upright."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av

from ..errors import MediaError
from ..frames import Image, Plane
from .alpha import alpha_of, is_transparent
from .colour import SDR, Colour
from .decoding import Decoding
from .hdr import TRANSFERS, ToneMapper
from .orientation import Orientation


class Developer:
    """Makes pictures of the frames of one video; what the first of them tells is taken for all.

    `width`, `height` and `sample_aspect_ratio` are those of the pictures, `colour` is what they are to become
    again when they are written. `notices` is appended to.

    Raises:
        MediaError: the video is HDR, and that is to fail.
    """

    def __init__(
        self,
        path: Path,
        first: av.VideoFrame,
        aspect: Fraction | None,
        decoding: Decoding,
        notices: list[str],
    ) -> None:
        self._choose(path, first, decoding, notices)
        self.pixel_format = first.format.name
        self.transparent = is_transparent(first)
        self._orientation = Orientation.of(first)
        self.width, self.height = first.width, first.height
        self.sample_aspect_ratio = aspect or Fraction(1)
        if self._orientation.transposed:
            self.width, self.height = self.height, self.width
            self.sample_aspect_ratio = 1 / self.sample_aspect_ratio

    def image(self, frame: av.VideoFrame) -> Image:
        """The picture of a frame, (H, W, 3)."""
        return self._orientation.upright(self._to_rgb(frame))

    def alpha(self, frame: av.VideoFrame) -> Plane | None:
        """How opaque its pixels are, (H, W); None if all are."""
        alpha = alpha_of(frame)
        return None if alpha is None else self._orientation.upright(alpha)

    def _choose(self, path: Path, first: av.VideoFrame, decoding: Decoding, notices: list[str]) -> None:
        """How frames become RGB, and what colours the output has."""
        self.colour = Colour.of(first)
        self._to_rgb: Callable[[av.VideoFrame], Image] = self.colour.to_rgb
        bits, hdr = first.format.components[0].bits, TRANSFERS.get(self.colour.transfer)
        if hdr and decoding.hdr == "fail":
            raise MediaError(
                f"{path} is {hdr} (HDR), which comes out in SDR only; allow it by --hdr tonemap."
            )
        if hdr:
            self._to_rgb, self.colour = ToneMapper(first, self.colour.sws), SDR
            notices.append(f"{path.name} is {hdr} (HDR); it was tone-mapped to SDR, by ITU-R BT.2390.")
        elif bits > 8:
            notices.append(f"{path.name} is {bits}-bit; its samples were reduced to 8 bits.")
