"""The two things that flow through the program: pictures, and pictures with a moment."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""One picture: (height, width, 3), RGB, 0 to 255."""

Plane: TypeAlias = NDArray[np.uint8]
"""One value a pixel: (height, width), 0 to 255."""

Images: TypeAlias = NDArray[np.uint8]
"""Pictures of one size: (count, height, width, 3), RGB, 0 to 255."""

Backend: TypeAlias = Callable[[Images], Images]
"""A network at work: takes C-contiguous pictures of any size and count, returns as many of that size.

It pads to what its network needs and crops again, so that nobody else has to know. It may be called
from any thread, but by one at a time.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and its moment.

    `pts` and `duration` are counted in `time_base` seconds; a duration of 0 means that the source does
    not tell. `name` is the file name of a picture from a folder, and empty for frames of a video. `alpha`
    is how opaque each pixel is; None if all are.

    Where a picture is drawn at another size than its own (see draw_size.py), `image` has that size,
    `full_size` is its own width and height, which are also those of `alpha`, and `full` is the picture at
    that size, if something needs it.
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
        """Width and height of the picture, however large it is drawn."""
        return self.full_size or (self.image.shape[1], self.image.shape[0])

    @property
    def time(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)
