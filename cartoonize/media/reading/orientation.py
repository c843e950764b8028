"""How a picture has to be turned and mirrored to stand upright, by the matrix that its container states."""

import struct
from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type

from ...core.frames import Image
from .side_data import side_data


@dataclass(frozen=True, slots=True)
class Orientation:
    """Rows and columns are swapped first (`transposed`), then the picture is mirrored across and down."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """Read the display matrix of a decoded frame: nine int32, a b u, c d v, x y w by rows.

        It moves a pixel from (p, q) to (a p + c q, b p + d q); see FFmpeg's libavutil/display.h. Angles
        between quarter turns, which no camera writes, count as the nearest of them.
        """
        data = side_data(frame, Type.DISPLAYMATRIX)
        if not data:
            return cls()
        a, b, _, c, d, *_ = struct.unpack("=9i", data)
        return cls(True, c < 0, b < 0) if abs(b) > abs(a) else cls(False, a < 0, d < 0)

    def upright(self, image: Image) -> Image:
        """Turn a picture (H, W, 3), or a plane (H, W), as it is meant to be seen."""
        turned = image.swapaxes(0, 1) if self.transposed else image
        turned = turned[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1]
        return np.ascontiguousarray(turned)
