"""Reading one picture file: its colours as 8-bit RGB, and its metadata.

A picture is more than its colours: it has EXIF data, a colour profile, transparency, a resolution. The
networks see RGB only, so the rest is kept in `PictureMetadata`. XMP and IPTC are not read. Nor are embedded
previews, which would show the photo in place of the cartoon.
"""

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, ImageOps, UnidentifiedImageError
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from ...core.containers import VIDEO_SUFFIXES
from ...core.errors import MediaError
from ...core.messages import format_number, is_special_file, missing_file_message
from ..decoding import fit_size, reduced_size_notice
from .hdr_picture import tone_map_picture
from .picture_colour import convert_to_rgb, reduce_to_8_bits, split_alpha
from .tiff_directories import limit_directories

limit_directories()

MAX_PIXELS = 256_000_000
"""The default limit of a picture. Larger ones are refused by their header: a small file can claim any
size."""

PILLOW_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, RuntimeError, struct.error,
    Pillow.DecompressionBombError,
)  # fmt: skip
"""The exceptions of Pillow's readers for damaged files, collected by damaging files."""
_PROGRAMS = {"EPS"}
"""Formats that are programs: Pillow runs Ghostscript, another program, on them."""
_UNREADABLE = {
    b"\xff\x0a": "JPEG XL", b"\0\0\0\x0cJXL ": "JPEG XL", b"\0\0\0\x18ftypcrx ": "camera raw",
    b"FUJIFILMCCD-RAW": "camera raw", b"IIRO": "camera raw", b"IIRS": "camera raw", b"IIU\0": "camera raw",
    b"II*\0\x10\0\0\0CR": "camera raw",
}  # fmt: skip
"""Formats that cameras write and that nothing here reads, by their first bytes."""
_COUNTED = 1000  # pictures of a TIFF file
_MP_ENTRIES = 0xB002  # the tag of a JPEG file with several pictures (CIPA DC-007)
_PHOTOS = ("Baseline MP Primary Image", "Multi-Frame Image")
_MAX_DPI = 65536  # JPEG's limit, and more than any printer has
_PHOTO_TAGS = {
    ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software,
    ExifTags.Base.DateTime, ExifTags.Base.Artist, ExifTags.Base.Copyright,
    ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo,
}  # fmt: skip
_SUBFILE_TYPE, _SUB_DIRECTORIES = 254, 330  # of TIFF 6.0 and its supplement 1
_TILE_WIDTH, _TILE_LENGTH = ExifTags.Base.TileWidth, ExifTags.Base.TileLength


@dataclass(frozen=True, slots=True)
class PictureMetadata:
    """The metadata of a picture, and its alpha.

    `exif`: as in a file, without the orientation, which has been applied; empty if there is none. `profile`:
    the ICC profile of the RGB values, or None for sRGB. `alpha`: a grey picture of the same size, or None if
    the picture is opaque. `dpi`: horizontal and vertical, or None.
    """

    exif: bytes = b""
    profile: bytes | None = None
    alpha: Picture | None = None
    dpi: tuple[float, float] | None = None


def read_picture(
    path: Path, notices: list[str], max_pixels: int | None = None, max_size: int | None = None
) -> tuple[Picture, PictureMetadata]:
    """Read the first picture of a file, as upright RGB, and its metadata.

    `notices` gets a sentence for everything that could not be read exactly. Pictures with a side longer than
    `max_size` pixels are made smaller.

    Raises:
        MediaError: the file is missing, damaged or no picture, or it has more than `max_pixels` pixels
            (`MAX_PIXELS` by default).
    """
    limit = max_pixels or MAX_PIXELS
    try:
        with open_picture(path, limit) as picture:
            if count := _describe_count(picture):
                notices.append(f"{path} holds {count} pictures; only the first is used.")
            sdr = tone_map_picture(path, picture, notices)
            ImageOps.exif_transpose(sdr, in_place=True)
            exif, dpi = _read_exif(sdr, path, notices), _read_dpi(sdr)
            colours, alpha = split_alpha(reduce_to_8_bits(sdr, path, notices))
            # `split_alpha` has converted Lab to sRGB.
            profile = None if sdr.mode == "LAB" else sdr.info.get("icc_profile")
            rgb, profile = convert_to_rgb(colours, profile, path, notices)
    except PILLOW_ERRORS as error:
        raise MediaError(f"Cannot read {path}: {_describe_error(error, path)}.") from error
    size = fit_size(*rgb.size, max_size)
    if size != rgb.size:
        notices.append(reduced_size_notice(path.name, rgb.size, size))
        rgb, alpha = scale_down(rgb, size), alpha and scale_down(alpha, size)
    return rgb, PictureMetadata(exif, profile, alpha, dpi)


def check_picture(path: Path, max_pixels: int | None = None) -> None:
    """Refuse a file by its header, before anything is prepared for its pixels.

    Raises:
        MediaError: the file cannot be read, is not a picture, or has more than `max_pixels` pixels
            (`MAX_PIXELS` by default).
    """
    try:
        open_picture(path, max_pixels or MAX_PIXELS).close()
    except PILLOW_ERRORS as error:
        raise MediaError(f"Cannot read {path}: {_describe_error(error, path)}.") from error


def scale_down(picture: Picture, size: tuple[int, int]) -> Picture:
    """Make a picture smaller."""
    return picture.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)


def open_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Open a picture and read its header; the pixels are read when they are needed.

    Raises:
        MediaError: the picture has more than `max_pixels` pixels, or is raw. Errors of Pillow are not caught.
    """
    picture = _open_with_pillow(path)
    try:
        check_size(path, *picture.size, max_pixels)
        tags = getattr(picture, "tag_v2", {})  # of a TIFF file, whose tiles can be larger than the picture
        check_size(path, int(tags.get(_TILE_WIDTH, 0)), int(tags.get(_TILE_LENGTH, 0)), max_pixels)
        if tags.get(_SUBFILE_TYPE) == 1 and _SUB_DIRECTORIES in tags:  # a preview of what Pillow cannot read
            raise _unreadable(path, "camera raw")
    except BaseException:
        picture.close()
        raise
    return picture


def check_size(path: object, width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture that is too large for the memory, by its header.

    Raises:
        MediaError: it has more than `max_pixels` pixels.
    """
    if width * height > max_pixels:
        raise MediaError(
            f"{path} has {width}x{height} pixels, more than the "
            f"{format_number(max_pixels / 1_000_000)} million that are accepted; make it smaller first, or "
            "raise --max-pixels."
        )


def _open_with_pillow(path: Path) -> Picture:
    """Open a picture as Pillow's `Image.open` does, but without its limit of pixels.

    That limit is a variable of the process: to change it would change the caller's, in every thread.
    """
    if is_special_file(path):
        raise MediaError(missing_file_message(path))
    with path.open("rb") as file:
        head = file.read(16)
    for magic, kind in _UNREADABLE.items():
        if head.startswith(magic):
            raise _unreadable(path, kind)
    tried = set[str]()
    for load_plugins in (Pillow.preinit, Pillow.init):  # the five most frequent formats, then all
        load_plugins()
        for name in [name for name in Pillow.ID if name not in tried and name not in _PROGRAMS]:
            tried.add(name)
            open_file, accepts = Pillow.OPEN[name]
            accepted = accepts is None or accepts(head)
            if accepted and not isinstance(accepted, str):  # a string is why the format cannot be read
                try:
                    picture = open_file(os.fspath(path), "")  # type: ignore[arg-type]  # it also takes a path
                except (SyntaxError, IndexError, TypeError, struct.error):
                    continue  # another format with the same first bytes
                if picture.format == "TIFF":
                    # Pillow 12 maps uncompressed files that have a name, and scrambles those on their side.
                    picture.filename = ""
                return picture
    raise UnidentifiedImageError(f"cannot identify {path}")


def _unreadable(path: Path, kind: str) -> MediaError:
    return MediaError(f"Cannot read {path}: it is a {kind} file; save it as JPEG or PNG first.")


def _describe_count(picture: Picture) -> str:
    """How many pictures a file holds; empty if it is one. The first one is the current one afterwards.

    Previews and gain maps beside the photo in a JPEG file do not count: nobody would use them in its place.
    A damaged or malicious file may list millions. To count those of a GIF file takes as long as to read it;
    of a TIFF file, a time that grows with the square of their number.
    """
    if picture.format == "GIF":
        return "several" if getattr(picture, "is_animated", False) else ""
    if picture.format == "MPO":
        entries = picture.mpinfo[_MP_ENTRIES]  # type: ignore[attr-defined]
        count = sum(str(entry["Attribute"]["MPType"]).startswith(_PHOTOS) for entry in entries)
        return str(count) if count > 1 else ""
    if picture.format != "TIFF":
        count = int(getattr(picture, "n_frames", 1))
        return str(count) if count > 1 else ""
    count = 1
    with suppress(EOFError):
        while count < _COUNTED:
            picture.seek(count)
            count += 1
    picture.seek(0)
    if count == _COUNTED:
        return f"{count} or more"
    return str(count) if count > 1 else ""


def _describe_error(error: Exception, path: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if path.stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError) and path.suffix.lower() in VIDEO_SUFFIXES:
        return "it is a video; use `cartoonize video`"
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture of a known format, or it is damaged"
    return "the file is damaged or incomplete"


def _read_exif(picture: Picture, path: Path, notices: list[str]) -> bytes:
    exif = picture.getexif()
    # In a TIFF file the tags about the photo stand among those about how it is stored.
    dropped = set(exif) - _PHOTO_TAGS if picture.format == "TIFF" else {ExifTags.Base.Orientation}
    for tag in dropped.intersection(exif):
        del exif[tag]
    try:
        return exif.tobytes() if len(exif) else b""
    except PILLOW_ERRORS:  # some cameras write tags of the wrong type, no reason to refuse a photo
        notices.append(f"The EXIF data of {path} are damaged, and were left out.")
        return b""


def _read_dpi(picture: Picture) -> tuple[float, float] | None:
    across, down = (float(value) for value in picture.info.get("dpi", (0, 0)))
    return (across, down) if 0 < across < _MAX_DPI and 0 < down < _MAX_DPI else None
