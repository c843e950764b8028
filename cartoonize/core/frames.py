"""The data that flows through the program: pictures, and frames, which are pictures with a time."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""One picture: (height, width, 3), RGB, 0 to 255."""

Plane: TypeAlias = NDArray[np.uint8]
"""One value per pixel: (height, width), 0 to 255."""

Images: TypeAlias = NDArray[np.uint8]
"""Pictures of one size: (count, height, width, 3), RGB, 0 to 255."""

Backend: TypeAlias = Callable[[Images], Images]
"""A network that is ready to run: takes C-contiguous pictures of any size and number, and returns the same
number of pictures of that size.

It pads and crops the pictures itself. It may be called from any thread, but only from one at a time.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and its time.

    Attributes:
        image: the picture, at the size at which the network draws it. A GPU converts finished pictures to YUV
            4:2:0 if the sink takes that: (3 / 2 height, width), with the bytes of Y, then of U, then of V.
        pts: the presentation time, in units of `time_base`.
        time_base: the length of a unit of `pts`, in seconds.
        duration: the duration, in units of `time_base`; 0 if the source does not state it.
        name: the file name of a picture from a folder; empty for frames of a video.
        alpha: the opacity of each pixel, at the size of the source; None if all pixels are opaque.
        full: the picture at the size of the source, if that differs from `image` and an effect needs it.
        full_size: the width and height of the source, if they differ from those of `image`.
    """

    image: Image
    pts: int = 0
    time_base: Fraction = Fraction(1)
    duration: int = 0
    name: str = ""
    alpha: Plane | None = None
    full: Image | None = None
    full_size: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """The width and height of the source, at whatever size the network draws it."""
        height, width = self.image.shape[:2]
        return self.full_size or (width, height * 2 // 3 if self.is_yuv else height)

    @property
    def is_yuv(self) -> bool:
        """Whether `image` holds the planes of YUV 4:2:0."""
        return self.image.ndim == 2

    @property
    def time(self) -> float:
        """The presentation time in seconds."""
        return float(self.pts * self.time_base)
