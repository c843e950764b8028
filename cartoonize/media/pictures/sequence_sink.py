"""Image sequences as a sink: the frames of a video as numbered pictures."""

import re
from contextlib import suppress
from pathlib import Path

from PIL import Image as Pillow
from PIL.Image import Image as Picture

from ...core.atomic import AtomicFile, check_target
from ...core.errors import MediaError
from ...core.frames import Frame
from ..alpha import composite_on, parse_colour
from ..sink import Sink
from ..source import Source
from .folder import list_source_files
from .formats import FORMATS, write_picture
from .picture_files import PictureFiles

_NUMBER = re.compile(r"%(0\d)?d")


class ImageSequenceSink(Sink):
    """Writes the frames of a video as numbered pictures, from 1 on; their times are lost.

    `path` is an existing folder, which gets 00001.png and so on, or a pattern such as frames/%05d.jpg, whose
    folder is made if it is missing. All files appear at the end of the `with` block; those of a `recording`
    appear even if writing fails. What pictures cannot hold is left out with a notice.

    Raises:
        MediaError: the suffix is not that of a picture, the folder is the source or cannot be written to, or
            the first file exists already and `overwrite` is false. While writing: another one exists, or the
            format cannot hold such a picture.
    """

    def __init__(
        self, path: Path, source: Source, *, background: str, overwrite: bool, recording: bool = False
    ) -> None:
        self._is_recording = recording
        self._pattern = path / "%05d.png" if path.is_dir() else path
        self._background, self._background_name = parse_colour(background), background
        self._other_streams = source.video.other_streams if source.video else None
        origin = source.video.path if source.video else None
        self._overwrite, self._sources = overwrite, list_source_files(origin) if origin else []
        suffix = self._pattern.suffix.lower()
        if suffix not in FORMATS:
            raise MediaError(f"{self._pattern} is not named like a picture; write name/%05d.png.")
        folder = self._pattern.parent
        if isinstance(origin, Path) and folder.exists() and origin.exists() and folder.samefile(origin):
            raise MediaError(f"{folder} is the source itself; name another folder to write to.")
        self._format = FORMATS[suffix]
        self._files = PictureFiles(folder)
        if folder.exists():
            check_target(self._numbered(1), overwrite=overwrite, sources=self._sources)
        if origin is not None:
            notice = f"Pictures hold neither times nor sound; those of {origin.name} are left out."
            if path.is_dir() and origin.suffix:
                notice += f" For a video, name {path / origin.name}."
            self.notices.append(notice)

    def open(self) -> None:
        """Make the folder if it is missing."""
        self._files.make_folder()

    def write(self, frame: Frame) -> None:
        """Write the next picture."""
        if self._other_streams is not None:  # of a pipe the source collects their packets
            self._other_streams.packets.clear()
        target = self._numbered(len(self._files) + 1)
        file = AtomicFile(target, overwrite=self._overwrite, sources=self._sources)
        self._files.add(file)
        write_picture(self._to_picture(frame), file)

    def commit(self) -> None:
        """Give all pictures their names."""
        if self._is_recording:
            self._files.commit_each()
        else:
            self._files.commit()

    def abort(self, error: BaseException) -> None:
        """Remove what was written, and the folder if it was made for it."""
        if self._is_recording:
            with suppress(MediaError):
                self._files.commit_each()
            if self._files.named:
                error.add_note(f"What was recorded until then is in {self._pattern.parent}.")
        self._files.discard()

    def _numbered(self, number: int) -> Path:
        return self._pattern.with_name(_NUMBER.sub(lambda match: match[0] % number, self._pattern.name))

    def _to_picture(self, frame: Frame) -> Picture:
        image = frame.image
        if frame.alpha is not None and not self._format.alpha:
            image = composite_on(image, frame.alpha, self._background)
            name = self._background_name
            notice = f"{self._format.name} pictures cannot be transparent; they were laid on {name}."
            self.notices += [] if notice in self.notices else [notice]
        picture = Pillow.fromarray(image)
        if frame.alpha is not None and self._format.alpha:
            picture.putalpha(Pillow.fromarray(frame.alpha))
        return picture


def is_image_sequence(path: Path) -> bool:
    """Whether a target means numbered pictures: a folder, or the name of a picture with a place for the
    number."""
    return path.is_dir() or (path.suffix.lower() in FORMATS and _NUMBER.search(path.name) is not None)
