"""Pictures: one file or many, read with what belongs to them, written with it, all of them or none."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Self

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from ...core.atomic import AtomicFile, check_target
from ...core.choices import Detail
from ...core.draw_size import resize_to_draw_size
from ...core.errors import MediaError, WriteError
from ...core.frames import Frame
from ...core.signals import defer_signals
from ..decoding import check_max_size
from ..remote import Location
from ..video_info import Closing
from .picture import Details, read_picture


@dataclass(frozen=True, slots=True)
class Format:
    """How Pillow writes a kind of file, and what such files can hold besides colours."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    alpha: bool = True
    metadata: bool = True


# The contours of a cartoon are where 4:2:0 smears colour, so JPEG and AVIF get full colour planes.
_JPEG = Format("JPEG", {"quality": 95, "subsampling": "4:4:4"}, alpha=False)
_TIFF = Format("TIFF")  # uncompressed: into compressed files Pillow cannot write the parts of EXIF data
FORMATS = {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".png": Format("PNG"),
    ".webp": Format("WEBP", {"quality": 90}),
    ".bmp": Format("BMP", alpha=False, metadata=False),
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
if find_spec("PIL._avif"):  # PIL.features.check would warn where it has not heard of AVIF
    FORMATS[".avif"] = Format("AVIF", {"quality": 90, "subsampling": "4:4:4"})

PICTURE_SUFFIXES = frozenset(FORMATS)
"""The lower-case suffixes of pictures that are read and written. GIF is not among them: it is video."""

_JPEG_EXIF_LIMIT = 65533  # bytes; a segment's length is a 16-bit number that counts itself


class PictureSource(Closing):
    """Pictures in the order given; of a folder, the pictures in it (not below) in natural order of name.

    Frames are counted from 0, a second each, and bear the name of their file. EXIF orientation is applied.
    Grey, palette and 16-bit pictures become 8-bit RGB; grey and CMYK ones with a colour profile of their
    own become sRGB; RGB values keep their profile. Those with a longer side than `max_size` are made smaller.
    `detail` is the size at which they are drawn (see draw_size.py); frames also hold the picture at its own.
    `frames` is the number of pictures. `details` holds what was set aside for each frame that has been read,
    but for its transparency, which goes with it: by its `pts`, until the sink takes it out.

    Raises:
        MediaError: there is no such file or folder, or no picture in the folder. While iterating: a file
            is damaged, cannot be read, or is too large.
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
        self.paths = list(dict.fromkeys(found for path in paths for found in pictures_in(path)))
        self.single = len(paths) == len(self.paths) == 1 and not paths[0].is_dir()
        self.frames: int | None = len(self.paths)
        self.details: dict[int, Details] = {}
        self.notices: list[str] = []

    def __iter__(self) -> Iterator[Frame]:
        """Frames, once."""
        for index, path in enumerate(self.paths):
            picture, details = read_picture(path, self.notices, self._max_pixels, self._max_size)
            alpha = None if details.alpha is None else np.array(details.alpha)
            self.details[index] = replace(details, alpha=None)
            # A copy: what Pillow hands out is read-only, which PyTorch warns about.
            frame = Frame(np.array(picture), pts=index, duration=1, name=path.name, alpha=alpha)
            yield resize_to_draw_size(frame, self._detail, keep_source=True)

    def close(self) -> None:
        """Do nothing: no file is open between two frames, and the sink may still need the details."""


class PictureSink:
    """Writes the pictures of a source, each with what the source set aside for it.

    `path` is a file if the source is one picture file and `path` no folder; otherwise a folder, made if
    need be, in which each picture keeps its name. The files appear together at the end of the `with` block.
    What a format cannot hold is left out with a notice; transparent pictures then stand on white.

    Raises:
        MediaError: a file is there already and `overwrite` is false; two pictures would get one name;
            `path` has no picture's suffix, is a file where a folder is needed, or cannot be written to.
            While writing: the format cannot hold such a picture. At the end: there was none.
    """

    def __init__(self, path: Path, source: PictureSource, *, overwrite: bool = False) -> None:
        self.notices: list[str] = []
        self._path, self._source, self._overwrite = path, source, overwrite
        self._targets = _targets(path, source)
        self._new_folder = path not in self._targets and not path.is_dir()
        self._files: list[AtomicFile] = []
        self._written: list[AtomicFile] = []
        if self._new_folder:
            check_target(path, overwrite=False)  # refuses where no folder can be made; made when work begins
        else:
            self._reserve()

    def write(self, frame: Frame) -> None:
        """Write the picture that takes the place of the source's frame of the same `pts`."""
        file = self._files[frame.pts]
        kind = FORMATS[file.target.suffix.lower()]
        details = self._source.details.pop(frame.pts)
        picture, options = self._fitted(frame, details, kind, file.target)
        self._written.append(file)
        write_picture(picture, file, **options)

    def __enter__(self) -> Self:
        if self._new_folder:
            try:
                self._path.mkdir()
            except OSError as error:
                raise WriteError.from_os_error(self._path, error) from error
            self._reserve()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            for file in self._written:
                file.discard()  # finds nothing once the file has its name
            if self._new_folder:
                with contextlib.suppress(OSError):
                    self._path.rmdir()  # fails, as it should, unless it is empty

    def _reserve(self) -> None:
        sources = self._source.paths
        self._files = [
            AtomicFile(target, overwrite=self._overwrite, sources=sources) for target in self._targets
        ]

    def _commit(self) -> None:
        if not self._written:
            raise MediaError(f"There was no picture to write to {self._path}.")
        with defer_signals():
            for file in self._written:
                file.commit()

    def _fitted(
        self, frame: Frame, details: Details, kind: Format, target: Path
    ) -> tuple[Picture, dict[str, Any]]:
        """Reduce a picture and what belongs to it to what its format can hold; gives options to save it."""
        exif, profile = details.exif, details.profile
        picture = Pillow.fromarray(frame.image)
        alpha = None if frame.alpha is None else Pillow.fromarray(frame.alpha)
        if alpha and kind.alpha:
            picture.putalpha(alpha)
        elif alpha:
            picture = Pillow.composite(picture, Pillow.new("RGB", picture.size, "white"), alpha)
            self._left_out(target, "transparency, so the picture stands on white")
        if (exif or profile) and not kind.metadata:
            exif, profile = b"", None
            self._left_out(target, "EXIF data or a colour profile, so they are left out")
        if len(exif) > _JPEG_EXIF_LIMIT and kind is _JPEG:
            exif = b""
            self._left_out(target, "so much EXIF data, so it is left out")
        options = {"exif": exif, "icc_profile": profile, "dpi": details.dpi}
        return picture, {name: value for name, value in options.items() if value}

    def _left_out(self, target: Path, what: str) -> None:
        self.notices.append(f"{target} cannot hold {what}; a PNG file would keep it.")


def write_picture(picture: Picture, file: AtomicFile, **options: Any) -> None:
    """Write a picture in the format that its suffix names; `options` are added to those of the format.

    It is packed in memory first: Pillow hides what the system says of a full disk.

    Raises:
        MediaError: the format cannot hold such a picture.
        WriteError: the system does not let it, or there is no room.
    """
    kind, packed = FORMATS[file.target.suffix.lower()], BytesIO()
    try:
        picture.save(packed, kind.name, **kind.options, **options)
    except (OSError, ValueError, RuntimeError) as error:
        form = f"{kind.name} of {picture.width}x{picture.height} pixels"
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"Cannot write {file.target} as {form}: {reason}.") from error
    file.write(packed.getbuffer())


def files_of(place: Location) -> list[Location]:
    """The files that are read of a source: itself or, of a folder of pictures, those in it."""
    return [*pictures_in(place)] if isinstance(place, Path) and place.is_dir() else [place]


def pictures_in(path: Path) -> list[Path]:
    """Give the picture, or the pictures in a folder."""
    if not path.exists():
        raise MediaError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return [path]
    try:
        # Hidden files are not the user's: macOS puts a ._name.jpg, which is no picture, beside name.jpg.
        inside = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    except OSError as error:
        raise MediaError(f"Cannot read the folder {path}: {error.strerror}.") from error
    pictures = [file for file in inside if file.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise MediaError(f"There is no picture ({_examples()}) in the folder {path}.")
    return sorted(pictures, key=natural_order)


def natural_order(path: PurePath | str) -> tuple[list[str | int], str]:
    """Sort picture-2 before picture-10. Text and numbers alternate, so like is compared with like."""
    name = PurePath(path).name
    parts = re.split(r"(\d+)", name.lower())
    return [int(part) if part.isdecimal() else part for part in parts], name


def _targets(path: Path, source: PictureSource) -> list[Path]:
    """Decide where each picture of the source goes."""
    like_a_picture = path.suffix.lower() in PICTURE_SUFFIXES
    if source.single and not path.is_dir() and (path.suffix or path.exists()):
        if not like_a_picture:
            raise MediaError(f"{path} is neither a folder nor named like a picture ({_examples()}).")
        return [path]
    if not path.is_dir() and (like_a_picture or path.exists()):
        raise MediaError(f"{path} is no folder; name a folder for several pictures.")
    first: dict[str, Path] = {}  # by name in lower case, as some file systems see it
    for picture in source.paths:
        other = first.setdefault(picture_name(picture.name).lower(), picture)
        if other != picture:
            raise MediaError(
                f"{other} and {picture} would both become {path / picture_name(picture.name)}; "
                "rename one of them, or write them to different folders."
            )
    return [path / picture_name(picture.name) for picture in source.paths]


def picture_name(source: str) -> str:
    """The name of what a picture becomes in another folder: its own, with a suffix that can be written."""
    return source if PurePath(source).suffix.lower() in PICTURE_SUFFIXES else f"{PurePath(source).stem}.png"


def _examples() -> str:
    return ", ".join(sorted(PICTURE_SUFFIXES))
