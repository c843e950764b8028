"""Small files that claim to be large: refused by a stated limit, before memory is taken."""

import struct
import sys
import zlib
from functools import partial

import pytest
from clips import Clip, names_in
from pictures import png_of_chunks
from PIL import Image
from processes import run_program

resource = pytest.importorskip("resource")

MEMORY = 2 << 30
"""Bytes of address space that the program gets, with its libraries and threads. The pictures below would take
3 to 30 GB."""


def cartoonize(*arguments):
    """Run a command in little memory: (exit code, stderr)."""
    limit = partial(resource.setrlimit, resource.RLIMIT_AS, (MEMORY, MEMORY))
    done = run_program(*arguments, "--style", "null", preexec_fn=limit)
    return done.returncode, done.stderr


def png(path, width, height, rows):
    """A PNG of one colour with only `rows` of its rows."""
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(png_of_chunks((b"IHDR", header), (b"IDAT", data)))
    return path


@pytest.mark.parametrize(("side", "rows"), [(100_000, 1), (20_000, 300)], ids=["header", "bomb"])
def test_large_pictures_are_refused(tmp_path, side, rows):
    """A picture of 100,000 x 100,000 pixels, and a decompression bomb, are refused by their header."""
    code, messages = cartoonize("image", png(tmp_path / "in.png", side, side, rows), tmp_path / "out.png")
    assert code == 1
    assert f"{side}x{side} pixels, more than the 256 million" in " ".join(messages.split())
    assert names_in(tmp_path) == ["in.png"]


def tiff_directory(entries, start):
    """A TIFF file's directory without a next one, with 1 MB of data before it."""
    head = b"II*\0" + struct.pack("<I", start) + bytes(start - 8)
    packed = (struct.pack("<HHII", *entry) for entry in entries)
    return head + struct.pack("<H", len(entries)) + b"".join(packed) + bytes(4)


def exif_of_jpeg(path, exif):
    """Write EXIF data of any length into a JPEG, in segments, as Pillow joins them."""
    Image.new("RGB", (16, 16)).save(path, "JPEG")
    parts = [exif[start : start + 65_000] for start in range(0, len(exif), 65_000)]
    segments = [b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts]
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"".join(segments) + data[2:])


@pytest.mark.parametrize("name", ["in.tif", "in.jpg"])
def test_entries_that_share_their_data_fill_no_memory(tmp_path, name):
    """A file whose 30,000 entries share one MB does not fill the memory, as a TIFF file or as EXIF data."""
    layout = ((256, 16), (257, 16), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 16), (279, 256))
    entries = [(tag, 3, 1, value) for tag, value in layout]
    bomb = tiff_directory([*entries, *((tag, 7, 1 << 20, 8) for tag in range(1000, 31_000))], 1 << 20)
    if name == "in.jpg":
        exif_of_jpeg(tmp_path / name, bomb)
    else:
        (tmp_path / name).write_bytes(bomb)
    code, messages = cartoonize("image", tmp_path / name, tmp_path / "out.png")
    is_refused = "the file is damaged or incomplete" in " ".join(messages.split())
    assert (code, is_refused) in {(0, False), (1, True)}  # Pillow 13 reads none of the entries, Pillow 12 all
    assert (tmp_path / "out.png").exists() == (code == 0)
    if name == "in.jpg":
        assert code == 0


def test_a_long_list_of_pictures_is_not_counted(tmp_path):
    """A TIFF file that lists 20,000 pictures is read like one with a few."""
    data, size = bytearray(b"II*\0" + struct.pack("<I", 8)), 2 + 9 * 12 + 4
    layout = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1))
    for _ in range(20_000):
        data += struct.pack("<H", 9) + b"".join(
            struct.pack("<HHII", tag, 3, 1, value) for tag, value in layout
        )
        data += struct.pack("<I", len(data) + 4)
    assert len(data) == 8 + 20_000 * size
    data[-4:] = bytes(4)
    (tmp_path / "in.tif").write_bytes(data)
    code, messages = cartoonize("image", tmp_path / "in.tif", tmp_path / "out.png")
    assert code == 0
    assert "holds 1000 or more pictures; only the first is used" in " ".join(messages.split())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory that is written to")
def test_too_little_memory_is_a_sentence(tmp_path):
    """A picture that may be read, but does not fit into the memory, is refused in a sentence."""
    png(tmp_path / "in.png", 6000, 6000, 6000)
    limit = partial(resource.setrlimit, resource.RLIMIT_DATA, (400 << 20, 400 << 20))
    done = run_program("image", "in.png", "out.png", "--style", "null", cwd=tmp_path, preexec_fn=limit)
    assert done.returncode == 1
    assert "Error: There is not enough memory" in done.stderr
    assert "Traceback" not in done.stderr
    assert names_in(tmp_path) == ["in.png"]


@pytest.mark.parametrize("place", ["first", "later"])
def test_large_frames_are_refused(tmp_path, place):
    """Frames that are 65,500 pixels wide, whether the first or later ones, are never decoded."""
    clip = Clip(codec="mjpeg", pixel_format="yuvj420p", options={}).write(tmp_path / "in.avi")
    data, mark = bytearray(clip.read_bytes()), b"\xff\xc0\x00\x11\x08"  # the JPEG header with its size
    position = data.find(mark)
    while position >= 0:
        if place == "first" or position != data.find(mark):
            data[position + 5 : position + 9] = struct.pack(">HH", 65_500, 65_500)
        position = data.find(mark, position + 1)
    clip.write_bytes(data)
    code, messages = cartoonize("video", clip, tmp_path / "out.mp4")
    assert code == (1 if place == "first" else 3), messages
    assert "damaged" in messages


def test_a_wide_video_is_refused_by_its_size(tmp_path):
    """The error states the size of a frame, the limit, and the option to raise it.

    The new limit is applied.
    """
    source = Clip(size=(320, 240)).write(tmp_path / "in.mp4")
    code, messages = cartoonize("video", source, tmp_path / "out.mp4", "--max-pixels", "76799")
    assert code == 1
    assert "320x240 pixels" in messages
    assert "--max-pixels" in messages
    assert cartoonize("video", source, tmp_path / "out.mp4", "--max-pixels", "76800")[0] == 0


def test_claims_of_many_frames_take_nothing(tmp_path):
    """A header that claims a billion frames takes neither memory nor time; the existing frames are drawn."""
    source = Clip(codec="mjpeg", pixel_format="yuvj420p", options={}).write(tmp_path / "in.avi")
    data = bytearray(source.read_bytes())
    for mark, offset in ((b"avih", 24), (b"strh", 40)):  # dwTotalFrames and dwLength
        place = data.find(mark) + offset
        data[place : place + 4] = struct.pack("<I", 1_000_000_000)
    source.write_bytes(data)
    code, messages = cartoonize("video", source, tmp_path / "out.mp4")
    assert code == 0, messages
    assert "12 frames" in messages
    boxes = Clip().write(tmp_path / "in.mp4")
    data = bytearray(boxes.read_bytes())
    place = data.find(b"stsz") + 12
    data[place : place + 4] = struct.pack(">I", 1_000_000_000)
    boxes.write_bytes(data)
    code, messages = cartoonize("video", boxes, tmp_path / "boxes.mp4")
    assert code in (1, 3), messages
    assert "Traceback" not in messages
