"""Parsers of containers, for files and for streams."""

import tracemalloc
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import Clip, convert
from containers import CONTAINERS
from PIL import Image

from cartoonize.media.ebml import TRACK_ENTRY, TRACK_TYPE, TRACKS, encode_element
from cartoonize.media.reading.parsers import parser_for
from cartoonize.media.reading.parsers.avi import parse_avi
from cartoonize.media.reading.parsers.gif import count_pixels, parse_gif
from cartoonize.media.reading.parsers.matroska import parse_matroska
from cartoonize.media.reading.parsers.mov import parse_mov
from cartoonize.media.reading.parsers.structure import StreamingParser, parse_file


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("piece", [1, 777])
def test_a_pipe_is_parsed_as_a_file(made, name, piece):
    """A container that is read once, in pieces of any length, is understood as from its file."""
    path = made(name)
    with av.open(path) as container:
        container_parser = parser_for(container.format.name)
    if container_parser is None:
        pytest.skip("there is no parser for it")
    structure = parse_file(path, container_parser, 0)
    streaming, data = StreamingParser(container_parser, 0), path.read_bytes()
    for offset in range(0, len(data), piece):
        streaming.feed(data[offset : offset + piece])
    streaming.finish()
    assert streaming.structure == structure
    assert structure.intact


def test_avi_files_that_programs_write_are_intact(tmp_path):
    """AVI files of unknown length, without padding, or with other data behind them are intact."""
    path = Clip(codec="mpeg4", options={}, tones=[440], audio_codec="mp2").write(tmp_path / "a.avi")
    data = path.read_bytes()
    movi = data.rfind(b"LIST", 0, data.find(b"movi"))
    unknown, unpadded = bytearray(data), bytearray(data[: movi + 12])
    for size in (0, 0xFFFFFFFF):
        unknown[4:8] = unknown[movi + 4 : movi + 8] = size.to_bytes(4, "little")
        path.write_bytes(unknown)
        structure = parse_file(path, parse_avi, 0)
        assert structure.intact
        assert len(structure.frame_offsets) == 12
    offset = movi + 12
    while data[offset : offset + 4] != b"idx1":
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        unpadded += data[offset : offset + 8 + size]
        offset += 8 + size + size % 2
    assert len(unpadded) < offset
    unpadded[4:8] = (len(unpadded) - 8).to_bytes(4, "little")
    path.write_bytes(unpadded + b"\0\1 a tag of another program")
    structure = parse_file(path, parse_avi, 0)
    assert structure.intact
    assert len(structure.frame_offsets) == 12


@pytest.mark.parametrize("byte", [b"\0", b"x", b"0", b" ", b"_"])
def test_avi_files_are_padded_by_any_byte(tmp_path, byte):
    """The byte behind a chunk of odd length may have any value, also that of a letter or a digit."""
    path = Clip(codec="mpeg4", options={}, tones=[440], audio_codec="mp2").write(tmp_path / "a.avi")
    data, padded = bytearray(path.read_bytes()), 0
    offset = data.find(b"LIST", data.find(b"movi") - 8) + 12
    while data[offset : offset + 4] != b"idx1":
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        offset += 8 + size
        if size % 2:
            data[offset : offset + 1], padded = byte, padded + 1
            offset += 1
    assert padded
    path.write_bytes(data)
    structure = parse_file(path, parse_avi, 0)
    assert structure.intact
    assert len(structure.frame_offsets) == 12
    assert convert(path, tmp_path / "out.mp4").notices == []


def write_amv(path, frames=30, rate=15):
    """Write an AMV file, as cheap music players show them: pictures and sound in turn."""
    samples = 22050 // rate
    with av.open(path, "w") as output:
        video = output.add_stream("amv", rate=rate, width=160, height=112, pix_fmt="yuvj420p")
        options = {"block_size": str(samples)}
        audio = output.add_stream("adpcm_ima_amv", rate=22050, layout="mono", options=options)
        for number in range(frames):
            image = np.full((112, 160, 3), 8 * number, np.uint8)
            picture = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuvj420p")
            picture.pts, picture.time_base = number, Fraction(1, rate)
            sound = av.AudioFrame.from_ndarray(np.full((1, samples), 9000, np.int16), "s16", "mono")
            sound.pts, sound.sample_rate, sound.time_base = number * samples, 22050, Fraction(1, 22050)
            output.mux([*video.encode(picture), *audio.encode(sound)])
        output.mux([*video.encode(None), *audio.encode(None)])
    return path


def test_an_amv_file_is_whole_up_to_its_mark(tmp_path):
    """AMV files state no lengths; one that ends with its mark is whole, and all others are cut."""
    path = write_amv(tmp_path / "a.amv")
    structure, data = parse_file(path, parse_avi, 0), path.read_bytes()
    assert structure.intact
    assert len(structure.frame_offsets) == 30
    assert convert(path, tmp_path / "out.mp4").frames == 30
    for cut in (1, 8, 9, 3000):
        path.write_bytes(data[:-cut])
        assert not parse_file(path, parse_avi, 0).intact


@pytest.mark.parametrize("colours", [2, 16, 256])
def test_the_pixels_of_gif_images_are_counted(tmp_path, colours):
    """The pixels of each image are counted exactly, for any number of colours, unless the data are cut."""
    noise = np.random.default_rng(0).integers(0, colours, (61, 107), np.uint8)
    even = np.full((61, 107), colours - 1, np.uint8)
    for number, pixels in enumerate((noise, even, noise[:1, :1])):
        path = tmp_path / f"{number}.gif"
        Image.fromarray(pixels).save(path)
        assert parse_file(path, parse_gif, 0).intact
    assert count_pixels(b"\x8c\x2d\x99", 2, 100) < 100  # of the example in "What's in a GIF", cut
    assert count_pixels(bytes.fromhex("8c2d99872a1cdc33a00275ec95faa8de608c04914c01"), 2, 100) == 100


def test_gif_data_take_no_memory(tmp_path):
    """An image that has far more data than pixels takes no memory, and neither does one of many pixels."""
    path = tmp_path / "a.gif"
    blocks = (b"\xff" + bytes(255)) * 8000
    path.write_bytes(b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\x08" + blocks + b"\0;")
    data = bytes(3_000_000)  # the colour 0, in codes of 9 to 12 bits
    tracemalloc.start()
    try:
        assert not parse_file(path, parse_gif, 0).intact
        assert count_pixels(data, 8, 1 << 40) == 2_000_234
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("element", [b"\xa3\x84\x81\0\0\0", b"\xa0\xff"], ids=["blocks", "depth"])
def test_matroska_elements_take_few_bytes(tmp_path, element):
    """The memory for millions of small blocks, or of elements in elements, is about the size of the file."""
    track = encode_element(TRACK_ENTRY, encode_element(0xD7, b"\1") + encode_element(TRACK_TYPE, b"\1"))
    unknown = b"\x01" + b"\xff" * 7
    head = encode_element(0x1A45DFA3, b"") + b"\x18\x53\x80\x67" + unknown + encode_element(TRACKS, track)
    path = tmp_path / "a.mkv"
    path.write_bytes(head + b"\x1f\x43\xb6\x75" + unknown + 20_000 * element)
    tracemalloc.start()
    try:
        parse_file(path, parse_matroska, 0)
        assert tracemalloc.get_traced_memory()[1] < 2 * path.stat().st_size + 50_000
    finally:
        tracemalloc.stop()


def test_misplaced_fragments_are_damage(made, tmp_path):
    """A file with a fragment of an unknown track, or with fragments out of order, is damaged."""
    data = made("fragments.mp4").read_bytes()
    second = data.find(b"moof", data.find(b"moof") + 4)
    for box, place, value in ((b"tfhd", 11, 9), (b"tfdt", 15, 0)):
        harmed = bytearray(data)
        offset = harmed.find(box, second)
        harmed[offset + place] = value
        if box == b"tfdt":  # the first fragment is put behind the second one
            harmed[harmed.find(box) + 8] = 1
        path = tmp_path / "a.mp4"
        path.write_bytes(harmed)
        assert not parse_file(path, parse_mov, 0).intact
