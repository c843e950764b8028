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
"""A network that is ready to run: takes C-contiguous pictures of any size and count, returns as many of that
size.

It pads them to what its network needs and crops the result, so that no caller has to. It may be called from
any thread, but from one at a time.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and its time.

    `pts` and `duration` are counted in `time_base` seconds; a duration of 0 means that the source does not
    state it. `name` is the file name of a picture from a folder, and empty for frames of a video. `alpha` is
    the opacity of each pixel; None if all are opaque.

    If the network draws the picture at another size than its own (see draw_size.py), `image` has that size.
    `full_size` is then the picture's own width and height, which are also those of `alpha`, and `full` is the
    picture at that size, if an effect needs it.
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
        """The picture's own width and height, at whatever size it is drawn."""
        return self.full_size or (self.image.shape[1], self.image.shape[0])

    @property
    def time(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)
