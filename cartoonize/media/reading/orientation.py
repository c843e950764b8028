"""The orientation of a video: how to turn and mirror its frames, by the display matrix of its container."""

import struct
from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type

from ...core.frames import Image
from ..side_data import get_side_data


@dataclass(frozen=True, slots=True)
class Orientation:
    """First rows and columns are swapped (`transposed`), then the frame is mirrored left to right
    (`mirrored`) and top to bottom (`flipped`).
    """

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @classmethod
    def from_frame(cls, frame: av.VideoFrame) -> "Orientation":
        """Read the display matrix of a decoded frame: nine int32, a b u, c d v, x y w by rows.

        It moves a pixel from (p, q) to (a p + c q, b p + d q); see FFmpeg's libavutil/display.h. Angles
        between quarter turns, which no camera writes, are rounded to the nearest quarter.
        """
        data = get_side_data(frame, Type.DISPLAYMATRIX)
        if not data:
            return cls()
        a, b, _, c, d, *_ = struct.unpack("=9i", data)
        return cls(True, c < 0, b < 0) if abs(b) > abs(a) else cls(False, a < 0, d < 0)

    def apply(self, image: Image) -> Image:
        """Turn an image (H, W, 3), or a plane (H, W), upright."""
        turned = image.swapaxes(0, 1) if self.transposed else image
        turned = turned[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1]
        return np.ascontiguousarray(turned)
