"""Makes pictures for the tests, with profiles and EXIF, and converts them without a network."""

import struct
import zlib
from functools import cache

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from cartoonize.media.pictures.formats import PICTURE_SUFFIXES
from cartoonize.media.pictures.picture_sink import PictureSink
from cartoonize.media.pictures.picture_source import PictureSource


def make_picture(width=48, height=32):
    """A picture that is smooth, so that lossy formats keep it, and different along each edge."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 2], -1).astype(np.uint8)


def save_picture(path, picture=None, **options):
    """Write a picture, by default that of `make_picture`, with options of Pillow."""
    picture = make_picture() if picture is None else picture
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(path, **options)
    return path


def png_of_chunks(*chunks):
    """The bytes of a PNG file of these chunks, each a name and its data; the last one is added."""
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in (*chunks, (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return content


def deep_png(picture, *chunks):
    """The bytes of a PNG file of 16-bit RGB samples, (H, W, 3), with further chunks before the samples."""
    height, width, _ = picture.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in picture)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return png_of_chunks((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)))


@cache
def colour_profile(name="sRGB"):
    """Make an ICC profile once, because it contains the second at which it was made."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def device_profile(space, pcs, tags):
    """Make the smallest ICC profile that works: a header, the light it is for, and its tags."""
    light = struct.pack(">3i", 63190, 65536, 54061)  # D50
    tags = {b"wtpt": b"XYZ \0\0\0\0" + light, **tags}
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content.ljust(-(-len(content) // 4) * 4, b"\0")
    head = struct.pack(">I4xI4s4s4s12x4s28x", start + len(body), 0x02400000, b"prtr", space, pcs, b"acsp")
    return (head + light).ljust(128, b"\0") + table + body


def grey_profile():
    """Describe grey values as linear light."""
    return device_profile(b"GRAY", b"XYZ ", {b"kTRC": b"curv\0\0\0\0\0\0\0\0"})


def rgb_profile(*, linear=False, primaries="rgb"):
    """Describe RGB values of a gamma of 2.2, or of linear light; `primaries` is the order of the colours."""
    colours = {"r": (0.4361, 0.2225, 0.0139), "g": (0.3851, 0.7169, 0.0971), "b": (0.1431, 0.0606, 0.7139)}
    curve = b"curv" + (bytes(8) if linear else struct.pack(">4xIH", 1, round(2.2 * 256)))
    tags = {}
    for name, colour in zip("rgb", primaries, strict=True):
        tags[f"{name}XYZ".encode()] = struct.pack(
            ">4s4x3i", b"XYZ ", *(round(65536 * v) for v in colours[colour])
        )
        tags[f"{name}TRC".encode()] = curve
    return device_profile(b"RGB ", b"XYZ ", tags)


def ink_profile():
    """Describe inks of which only the black one can be seen, so that it is plain whether it was asked."""
    same = bytes(range(256))
    white_black = bytes([255, 128, 128, 0, 128, 128])  # Lab without and with black ink
    table = struct.pack(">4s4xBBBx9i", b"mft1", 4, 3, 2, *(65536 * (i % 4 == 0) for i in range(9)))
    return device_profile(b"CMYK", b"Lab ", {b"A2B0": table + same * 4 + white_black * 8 + same * 3})


def make_exif(orientation=None, note="a cat"):
    """EXIF with a description, an artist, a time and a place."""
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = note
    exif[ExifTags.Base.Artist] = "Ann Other"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2020:02:03 04:05:06"}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    return exif.tobytes()  # not as an object, of which Pillow writes only a part into TIFF files


def read_pictures(*paths):
    """The pictures as networks see them."""
    with PictureSource(paths) as source:
        return [frame.image for frame in source]


def copy_pictures(sources, target, *, overwrite=False):
    """Pass pictures through unchanged; return the notices."""
    with PictureSource(sources) as source, PictureSink(target, source, overwrite=overwrite) as sink:
        for frame in source:
            sink.write(frame)
    assert not source.metadata  # nothing piles up
    return source.notices + sink.notices


def require_format(suffix):
    """Skip the test if this build of Pillow does not write a format."""
    if suffix not in PICTURE_SUFFIXES:
        pytest.skip(f"nothing here writes {suffix}")
