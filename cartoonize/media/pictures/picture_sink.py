"""Pictures as a sink: written with the metadata of their source, all of them or none."""

from pathlib import Path
from typing import Any

from PIL import Image as Pillow
from PIL.Image import Image as Picture

from ...core.atomic import AtomicFile, check_target
from ...core.errors import MediaError
from ...core.frames import Frame
from ..sink import Sink
from .folder import output_name
from .formats import FORMATS, JPEG, PICTURE_SUFFIXES, Format, write_picture
from .picture import PictureMetadata
from .picture_files import PictureFiles
from .picture_source import PictureSource

_JPEG_EXIF_LIMIT = 65533  # bytes; the length of a segment is a 16-bit number that includes itself


class PictureSink(Sink):
    """Writes the pictures of a source, each with its metadata.

    `path` is a file if the source is one picture file and `path` is not a folder. Otherwise it is one,
    which is made if it is missing, and each picture keeps its name in it. All files appear at the end of the
    `with` block. What a format cannot hold is left out with a notice; transparent pictures are then laid on
    white.

    Raises:
        MediaError: a file exists already and `overwrite` is false; two pictures would get one name; `path`
            has no suffix of a picture, is a file where a folder is needed, or cannot be written to. While
            writing: the format cannot hold such a picture. At the end: there was no picture.
    """

    def __init__(self, path: Path, source: PictureSource, *, overwrite: bool = False) -> None:
        self._path, self._source, self._overwrite = path, source, overwrite
        self._targets = _choose_targets(path, source)
        has_new_folder = path not in self._targets and not path.is_dir()
        self._files: list[AtomicFile] = []
        self._written = PictureFiles(path if has_new_folder else None)
        if has_new_folder:
            check_target(path, overwrite=False)  # refuses a folder that cannot be made
        else:
            for target in self._targets:
                check_target(target, overwrite=overwrite, sources=source.paths)

    def open(self) -> None:
        """Make the folder if it is missing."""
        self._written.make_folder()
        sources = self._source.paths
        self._files = [
            AtomicFile(target, overwrite=self._overwrite, sources=sources) for target in self._targets
        ]

    def write(self, frame: Frame) -> None:
        """Write the picture for the frame of the source with the same `pts`."""
        file = self._files[frame.pts]
        target_format = FORMATS[file.target.suffix.lower()]
        metadata = self._source.metadata.pop(frame.pts)
        picture, options = self._fit_format(frame, metadata, target_format, file.target)
        self._written.add(file)
        write_picture(picture, file, **options)

    def commit(self) -> None:
        """Give all pictures their names."""
        if not self._written:
            raise MediaError(f"There was no picture to write to {self._path}.")
        self._written.commit()

    def abort(self, error: BaseException) -> None:  # noqa: ARG002
        """Remove what was written, and the folder if it was made for it."""
        self._written.discard()

    def _fit_format(
        self, frame: Frame, metadata: PictureMetadata, target_format: Format, target: Path
    ) -> tuple[Picture, dict[str, Any]]:
        """Reduce a picture and its metadata to what the format holds; return it with Pillow's options."""
        exif, profile = metadata.exif, metadata.profile
        picture = Pillow.fromarray(frame.image)
        alpha = None if frame.alpha is None else Pillow.fromarray(frame.alpha)
        if alpha and target_format.alpha:
            picture.putalpha(alpha)
        elif alpha:
            picture = Pillow.composite(picture, Pillow.new("RGB", picture.size, "white"), alpha)
            self._report_left_out(target, "transparency, so the picture was laid on white")
        if (exif or profile) and not target_format.metadata:
            exif, profile = b"", None
            self._report_left_out(target, "EXIF data or a colour profile, so they were left out")
        if len(exif) > _JPEG_EXIF_LIMIT and target_format is JPEG:
            exif = b""
            self._report_left_out(target, "so much EXIF data, so it was left out")
        options = {"exif": exif, "icc_profile": profile, "dpi": metadata.dpi}
        return picture, {name: value for name, value in options.items() if value}

    def _report_left_out(self, target: Path, property_name: str) -> None:
        self.notices.append(f"{target} cannot hold {property_name}; a PNG file would keep it.")


def _choose_targets(path: Path, source: PictureSource) -> list[Path]:
    """The file for each picture of the source."""
    has_picture_suffix = path.suffix.lower() in PICTURE_SUFFIXES
    if source.is_single and not path.is_dir() and (path.suffix or path.exists()):
        if not has_picture_suffix:
            example = f"name {path.stem}.png, or a folder with a slash"
            raise MediaError(f"{path} is neither a folder nor named like a picture: {example}.")
        return [path]
    if not path.is_dir() and (has_picture_suffix or path.exists()):
        raise MediaError(f"{path} is not a folder; name a folder for several pictures.")
    _check_unique_names(path, source.paths)
    return [path / output_name(picture.name) for picture in source.paths]


def _check_unique_names(folder: Path, pictures: list[Path]) -> None:
    by_name: dict[str, Path] = {}  # by name in lower case, as some file systems ignore case
    for picture in pictures:
        name = output_name(picture.name)
        other = by_name.setdefault(name.lower(), picture)
        if other != picture:
            raise MediaError(
                f"{other} and {picture} would both become {folder / name}; "
                "rename one of them, or write them to different folders."
            )
