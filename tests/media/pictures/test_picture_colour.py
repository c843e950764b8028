"""Colours of pictures: grey, CMYK, more than 8 bits, palettes and profiles."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from pictures import (
    colour_profile,
    copy_pictures,
    deep_png,
    grey_profile,
    ink_profile,
    make_picture,
    png_of_chunks,
    read_pictures,
    rgb_profile,
    save_picture,
)
from PIL import Image, ImageCms

from cartoonize.core.errors import MediaError
from cartoonize.media.pictures.picture_source import PictureSource


def test_grey_pictures_keep_their_greys(tmp_path):
    """Grey pictures, with 1, 8 and 16 bits and with transparency, keep their greys: black, middle, white."""
    levels = np.repeat(np.array([[0, 128, 255]], np.uint8), 4, axis=0)
    deep = levels.astype(np.uint16) * 257
    pictures = {
        "8.png": levels, "8.tif": levels, "16.png": deep, "16.tif": deep,
        "la.png": Image.merge("LA", [Image.fromarray(levels), Image.fromarray(levels)]),
    }  # fmt: skip
    for name, picture in pictures.items():
        image = read_pictures(save_picture(tmp_path / name, picture))[0]
        np.testing.assert_array_equal(image, np.dstack([levels] * 3), name)
    black_white = read_pictures(
        save_picture(tmp_path / "1.png", Image.fromarray(levels).convert("1", dither=0))
    )[0]
    np.testing.assert_array_equal(black_white[0, :, 0], [0, 255, 255])


def test_big_endian_grey(tmp_path):
    """16-bit grey TIFF files of either byte order read alike."""
    deep = make_picture()[..., 0].astype(np.uint16) * 257
    path = save_picture(tmp_path / "mm.tif", Image.frombytes("I;16B", (48, 32), deep.astype(">u2").tobytes()))
    np.testing.assert_array_equal(read_pictures(path)[0][..., 0], make_picture()[..., 0])


def test_deep_grey_of_other_kinds(tmp_path):
    """12-bit TIFF and 16-bit PGM files are scaled by their white; one value of PNG may be transparent."""
    entries = [(256, 4), (257, 1), (258, 12), (259, 1), (262, 1), (273, 122), (277, 1), (278, 1), (279, 6)]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    samples = bytes([0x00, 0x08, 0x00, 0xFF, 0xF8, 0x00])  # 0, 0x800, 0xFFF, 0x800
    tiff = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + samples
    deep = struct.pack(">4H", 0, 0x8000, 0xFFFF, 0x8000)
    header = struct.pack(">IIBBBBB", 4, 1, 16, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"tRNS", b"\x80\0"), (b"IDAT", zlib.compress(b"\0" + deep))
    made = {"12.tif": tiff, "16.pgm": b"P5 4 1 65535\n" + deep, "16.png": png_of_chunks(*chunks)}
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
        with PictureSource([tmp_path / name]) as source:
            (frame,) = source
        assert frame.image[0, :, 0].tolist() == [0, 128, 255, 128], name
        assert source.notices == [], name
    assert frame.alpha[0].tolist() == [255, 0, 255, 0]


def test_grey_that_counts_down_from_white(tmp_path):
    """16-bit grey that counts down from white reads upright; 16-bit colours in planes are refused."""
    deep = make_picture().astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "down.tif", 65535 - deep[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_pictures(tmp_path / "down.tif")[0][..., 0], make_picture()[..., 0])
    tifffile.imwrite(tmp_path / "planes.tif", deep.transpose(2, 0, 1), photometric="rgb")
    with pytest.raises(MediaError, match=r"planes\.tif: its 16-bit colours are stored in planes"):
        read_pictures(tmp_path / "planes.tif")


def test_16_bits_become_8(tmp_path):
    """16-bit RGB PNG files are scaled to 8 bits."""
    (tmp_path / "deep.png").write_bytes(deep_png(make_picture().astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_pictures(tmp_path / "deep.png")[0], make_picture())


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_without_a_white(tmp_path, dtype):
    """Measurements without a white point are spread from black to white, with a notice."""
    path = save_picture(tmp_path / "depth.tif", np.array([[-1000, 0, 1000]], dtype))
    with PictureSource([path]) as source:
        assert [frame.image[0, :, 0].tolist() for frame in source] == [[0, 127, 255]]
    assert "does not say which value is white" in source.notices[0]


def test_palettes_have_the_colours_they_show(tmp_path):
    """Palette pictures read as the colours they show."""
    flat = np.repeat(np.repeat(make_picture(4, 4), 4, 0), 4, 1)
    path = save_picture(
        tmp_path / "p.png", Image.fromarray(flat).convert("P", palette=Image.Palette.ADAPTIVE)
    )
    np.testing.assert_array_equal(read_pictures(path)[0], flat)


def test_grey_profile_becomes_srgb(tmp_path):
    """Grey values with a profile of their own are turned into sRGB; the profile does not fit any more."""
    middle = np.full((4, 4), 55, np.uint8)  # 0.2157 of linear light is 128 in sRGB
    source = save_picture(tmp_path / "in.png", middle, icc_profile=grey_profile())
    assert copy_pictures([source], tmp_path / "out.png") == []
    np.testing.assert_allclose(read_pictures(tmp_path / "out.png")[0].astype(int), 128, atol=2)
    with Image.open(tmp_path / "out.png") as out:
        assert "icc_profile" not in out.info


def test_cmyk_profile_becomes_srgb(tmp_path):
    """CMYK pictures with a profile are turned into sRGB by it; the profile does not fit any more."""
    cmyk = Image.fromarray(make_picture()).convert("CMYK")  # Pillow uses no black ink
    source = save_picture(tmp_path / "in.jpg", cmyk, icc_profile=ink_profile())
    assert copy_pictures([source], tmp_path / "out.png") == []
    np.testing.assert_allclose(read_pictures(tmp_path / "out.png")[0], 255, atol=2)
    with Image.open(tmp_path / "out.png") as out:
        assert "icc_profile" not in out.info


@pytest.mark.parametrize("unusual", [{"linear": True}, {"primaries": "gbr"}])
def test_colours_far_from_srgb_become_srgb(tmp_path, unusual):
    """Networks see the colours that people see: RGB in linear light, or in another order, becomes sRGB."""
    seen = make_picture()
    to_stored = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), BytesIO(rgb_profile(**unusual)), "RGB", "RGB"
    )
    stored = to_stored.apply(Image.fromarray(seen))
    source = save_picture(tmp_path / "in.png", stored, icc_profile=rgb_profile(**unusual))
    assert copy_pictures([source], tmp_path / "out.png") == []
    with Image.open(tmp_path / "out.png") as picture:
        assert "icc_profile" not in picture.info
        assert np.abs(np.asarray(picture).astype(int) - seen).mean() < 4


def test_colours_near_srgb_keep_their_profile(tmp_path):
    """The values and the profile of a screen or a camera stay, and with them a wide gamut."""
    source = save_picture(tmp_path / "in.png", icc_profile=rgb_profile())
    assert copy_pictures([source], tmp_path / "out.png") == []
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.info["icc_profile"] == rgb_profile()
        np.testing.assert_array_equal(np.asarray(picture), make_picture())


def test_profile_that_does_not_fit(tmp_path):
    """A profile for other colours than the picture's is left out, with a notice."""
    cmyk = save_picture(
        tmp_path / "cmyk.jpg", Image.fromarray(make_picture()).convert("CMYK"), icc_profile=colour_profile()
    )
    grey = save_picture(tmp_path / "grey.png", icc_profile=grey_profile())
    lab = save_picture(tmp_path / "lab.png", icc_profile=colour_profile("LAB"))
    for source in (cmyk, grey, lab):
        notices = copy_pictures([source], tmp_path / "out.png", overwrite=True)
        assert notices == [
            f"The colour profile of {source} is damaged or does not fit the picture; it was left out."
        ]
        with Image.open(tmp_path / "out.png") as out:
            assert out.mode == "RGB"
            assert "icc_profile" not in out.info


def test_lab_with_its_profile(tmp_path):
    """Values in Lab become sRGB, and their profile brings no notice."""
    lab = Image.merge("LAB", [Image.new("L", (4, 4), value) for value in (136, 128, 128)])  # L 53, grey
    source = save_picture(tmp_path / "in.tif", lab, icc_profile=colour_profile("LAB"))
    assert copy_pictures([source], tmp_path / "out.png") == []
    np.testing.assert_allclose(read_pictures(tmp_path / "out.png")[0].astype(int), 127, atol=3)


def test_grey_with_a_colour_profile(tmp_path):
    """A grey picture with a profile of RGB keeps it, and brings no notice."""
    source = save_picture(
        tmp_path / "in.png", Image.fromarray(make_picture()).convert("L"), icc_profile=colour_profile()
    )
    assert copy_pictures([source], tmp_path / "out.png") == []
    with Image.open(tmp_path / "out.png") as out:
        assert out.info["icc_profile"] == colour_profile()


@pytest.mark.parametrize(
    "damage", [lambda p: p[:20], lambda p: p[: len(p) // 2], lambda p: p[:128] + bytes(400)]
)
def test_a_damaged_profile_is_left_out(tmp_path, damage):
    """A profile that cannot be used is left out, with a notice: other programs would refuse the drawing."""
    source = save_picture(tmp_path / "in.png", icc_profile=damage(colour_profile()))
    (notice,) = copy_pictures([source], tmp_path / "out.png")
    assert "is damaged" in notice
    with Image.open(tmp_path / "out.png") as out:
        assert "icc_profile" not in out.info


def test_cmyk_without_a_profile(tmp_path):
    """CMYK pictures without a profile read as roughly the colours they were made of."""
    source = save_picture(tmp_path / "in.jpg", Image.fromarray(make_picture()).convert("CMYK"), quality=95)
    np.testing.assert_allclose(read_pictures(source)[0].astype(int), make_picture(), atol=10)
