"""HDR pictures (PQ, HLG) in AVIF, HEIC and PNG files, tone-mapped to SDR as HDR video is.

Pillow reads such files as 8-bit values of the HDR signal and drops the tag that says so. So the tag is read
here, and the samples are decoded again in their full depth: by FFmpeg, or by libheif for HEIC, whose tiles
FFmpeg does not join. PyAV is imported for HDR pictures only: training reads other pictures without it.
"""

import contextlib
import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from .heif_boxes import primary_colour_boxes

if TYPE_CHECKING:
    import av

_HEADER_SIZE = 1 << 16
"""Bytes in which the tag is searched: it stands in the header, before the pixels."""
_FULL_RANGE = 2  # AVColorRange


def tone_map_picture(path: Path, picture: Picture, notices: list[str]) -> Picture:
    """Return an HDR picture as SDR, BT.709; any other picture unchanged.

    Size, alpha and EXIF data stay, and the orientation is not applied. A sentence is appended to `notices`.
    """
    transfer = _read_transfer(path, picture)
    if not transfer:
        return picture
    from ..colour import Colour
    from ..hdr import HDR_TRANSFERS, ToneMapper

    if transfer not in HDR_TRANSFERS:
        return picture
    frame = _decode_deep(path, picture)
    frame.color_trc = transfer
    sdr = Pillow.fromarray(ToneMapper(frame, Colour.of_frame(frame).sws)(frame))
    if picture.has_transparency_data:
        sdr.putalpha(picture.convert("RGBA").getchannel("A"))
    sdr.info = {key: value for key, value in picture.info.items() if key != "icc_profile"}
    notices.append(
        f"{path.name} is {HDR_TRANSFERS[transfer]} (HDR); it was tone-mapped to SDR, by ITU-R BT.2390."
    )
    return sdr


def _read_transfer(path: Path, picture: Picture) -> int:
    """The AVColorTransferCharacteristic that the file states, as in ISO/IEC 23091-2; 0 if it states none."""
    if picture.format not in ("AVIF", "HEIF", "PNG"):
        return 0
    with path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
    if picture.format == "PNG":
        tag, layout = b"cICP", "xB"  # primaries, transfer, ...; a byte each (PNG, third edition, 11.3.2.6)
    else:
        tag, layout = b"colrnclx", ">xxH"  # two bytes each (ISO/IEC 14496-12, 12.1.5)
        with contextlib.suppress(LookupError, struct.error):
            header = primary_colour_boxes(header) or header  # the tiles may bear the colour of the whole
    offset = header.find(tag)
    with contextlib.suppress(struct.error):
        if offset >= 0:
            return int(struct.unpack_from(layout, header, offset + len(tag))[0])
    return 0


def _decode_deep(path: Path, picture: Picture) -> "av.VideoFrame":
    """The picture as a frame with all its bits, or with 8 bits where nothing decodes more."""
    import av

    size = picture.size
    with contextlib.suppress(av.error.FFmpegError, ValueError, IndexError, ImportError, RuntimeError):
        frame = _decode_heif(path) if picture.format == "HEIF" else _decode_by_ffmpeg(path)
        if (frame.width, frame.height) == size:
            return frame
    return _to_frame(np.asarray(picture.convert("RGB")), "rgb24")


def _decode_by_ffmpeg(path: Path) -> "av.VideoFrame":
    import av

    with av.open(str(path.absolute())) as container:
        for frame in container.decode(video=0):
            return frame
    raise ValueError(f"{path} has no frame")


def _decode_heif(path: Path) -> "av.VideoFrame":
    from pillow_heif import open_heif

    samples = np.asarray(open_heif(path, convert_hdr_to_8bit=False))  # scaled up to 16 bits
    pixel_format = "rgb48le" if samples.dtype == np.uint16 else "rgb24"
    return _to_frame(np.ascontiguousarray(samples[..., :3]), pixel_format)


def _to_frame(samples: "np.ndarray[Any, Any]", pixel_format: str) -> "av.VideoFrame":
    import av

    frame = av.VideoFrame.from_ndarray(samples, pixel_format)
    frame.time_base, frame.color_range = Fraction(1), _FULL_RANGE
    return frame
