"""Pictures as a source: one file or many, each read with its metadata."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...core.choices import Detail
from ...core.draw_size import resize_to_draw_size
from ...core.frames import Frame
from ..decoding import check_max_size
from ..source import Source
from .folder import list_pictures
from .picture import PictureMetadata, check_picture, read_picture


class PictureSource(Source):
    """Pictures in the given order; of a folder, the pictures in it (not below) in natural order of name.

    Frames count from 0, a second each, and carry the name of their file. EXIF orientation is applied. Grey,
    palette and 16-bit pictures become 8-bit RGB. Grey and CMYK pictures with a colour profile become sRGB;
    RGB values keep their profile. Pictures with a longer side than `max_size` are made smaller. `detail` is
    the size at which they are drawn (see draw_size.py); frames also hold the picture at its own size.
    `frames` is the number of pictures. Other files in a folder are left out with a notice. `metadata` holds,
    by `pts`, that of each frame that has been read, until the sink takes it out; its alpha is in the frame.

    Raises:
        MediaError: there is no such file or folder, or no picture in the folder; the only file is not a
            picture or too large. While iterating: a file is damaged, cannot be read, or is too large.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        max_pixels: int | None = None,
        max_size: int | None = None,
        detail: Detail = "full",
    ) -> None:
        self._max_pixels, self._max_size, self._detail = max_pixels, max_size, detail
        if max_size is not None:
            check_max_size(max_size)
        pictures = (picture for path in paths for picture in list_pictures(path, self.notices))
        self.paths = list(dict.fromkeys(pictures))
        self.is_single = len(paths) == len(self.paths) == 1 and not paths[0].is_dir()
        if self.is_single:
            check_picture(self.paths[0], max_pixels)
        self.frames: int | None = len(self.paths)
        self.metadata: dict[int, PictureMetadata] = {}

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once."""
        for index, path in enumerate(self.paths):
            picture, metadata = read_picture(path, self.notices, self._max_pixels, self._max_size)
            alpha = None if metadata.alpha is None else np.array(metadata.alpha)
            self.metadata[index] = replace(metadata, alpha=None)
            # A copy: the array that Pillow returns is read-only, of which PyTorch warns.
            frame = Frame(np.array(picture), pts=index, duration=1, name=path.name, alpha=alpha)
            yield resize_to_draw_size(frame, self._detail, keep_source=True)

    def close(self) -> None:
        """Do nothing: no file is open between two frames, and the sink may still need the metadata."""
