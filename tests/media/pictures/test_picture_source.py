"""Reading pictures: which are read, upright, and what is refused."""

import struct
from fractions import Fraction

import numpy as np
import pytest
import tifffile
from noise import noise
from pictures import (
    copy_pictures,
    make_exif,
    make_picture,
    read_pictures,
    require_format,
    save_picture,
)
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from cartoonize.core.errors import MediaError
from cartoonize.media.pictures import picture as picture_module
from cartoonize.media.pictures.formats import PICTURE_SUFFIXES
from cartoonize.media.pictures.picture_source import PictureSource


def test_frames_are_rgb_and_have_names(tmp_path):
    """Frames are C-contiguous, writable RGB uint8, count up a second each, and bear their file's name."""
    paths = [save_picture(tmp_path / name) for name in ("b.png", "a.png")]
    with PictureSource(paths) as source:
        assert source.frames == 2
        for index, frame in enumerate(source):
            assert frame.image.flags.c_contiguous
            assert frame.image.flags.writeable
            assert (frame.pts, frame.time_base, frame.name) == (index, Fraction(1), paths[index].name)
            np.testing.assert_array_equal(frame.image, make_picture())


def test_folder_in_natural_order(tmp_path):
    """Of a folder, the pictures in it are taken, as a person would sort them; others are named."""
    names = ["p1.png", "p2.PNG", "p10.jpg", "q.webp"]
    for name in reversed(names):
        save_picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "._p1.png").write_bytes(b"what macOS leaves on foreign disks")
    (tmp_path / "below.png").mkdir()
    with PictureSource([tmp_path]) as source:
        assert [frame.name for frame in source] == names
        assert source.notices == [f"1 TXT file in {tmp_path} was left out."]


def test_same_picture_once(tmp_path):
    """A picture that is named twice, or by itself and by its folder, is taken once."""
    path = save_picture(tmp_path / "a.png")
    assert PictureSource([path, tmp_path, path]).frames == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif", ".heic"])
def test_pictures_are_upright(tmp_path, orientation, suffix):
    """EXIF orientation is applied to the picture, once: the tag is gone from the output, the rest kept."""
    undone = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
              5: lambda a: a.swapaxes(0, 1), 6: np.rot90, 7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
              8: lambda a: np.rot90(a, -1)}  # fmt: skip
    require_format(suffix)
    stored = np.ascontiguousarray(undone[orientation](make_picture()))
    lossless = {"lossless": True} if suffix == ".webp" else {}
    source = save_picture(tmp_path / f"in{suffix}", stored, exif=make_exif(orientation), **lossless)
    np.testing.assert_allclose(
        read_pictures(source)[0].astype(int),
        make_picture(),
        atol=12 if suffix in (".jpg", ".avif", ".heic") else 0,
    )
    copy_pictures([source], tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as out:
        assert out.size == (48, 32)
        assert out.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert out.getexif()[ExifTags.Base.Artist] == "Ann Other"


@pytest.mark.parametrize("mode", ["RGBA", "CMYK", "L"])
def test_an_uncompressed_tiff_on_its_side(tmp_path, mode):
    """Uncompressed TIFF files of all kinds are turned upright; Pillow 12 scrambles some by itself."""
    upright = Image.fromarray(make_picture()).convert(mode)
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    source = save_picture(tmp_path / "in.tif", stored, tiffinfo={ExifTags.Base.Orientation: 6})
    np.testing.assert_array_equal(read_pictures(source)[0], np.asarray(upright.convert("RGB")))


def test_first_of_several(tmp_path):
    """Of an animated or multi-page picture, the first one is used, with a notice."""
    pages = [Image.fromarray(image) for image in (make_picture(), 255 - make_picture())]
    for name in ("pages.tif", "moving.png", "moving.webp"):
        path = save_picture(tmp_path / name, pages[0], save_all=True, append_images=pages[1:], lossless=True)
        with PictureSource([path]) as source:
            np.testing.assert_array_equal(next(iter(source)).image, make_picture())
        assert source.notices == [f"{path} holds 2 pictures; only the first is used."]


@pytest.mark.parametrize(("kind", "counted"), [(0, False), (0x10002, False), (0x20002, True)])
def test_previews_and_gain_maps_are_not_counted(tmp_path, kind, counted):
    """A phone's or a camera's JPEG with a gain map or a preview has one photo; a stereo photo has two."""
    photo, other = Image.fromarray(make_picture()), Image.fromarray(make_picture(24, 16))
    path = tmp_path / "in.jpg"
    photo.save(path, "MPO", save_all=True, append_images=[other])
    data = bytearray(path.read_bytes())
    entries = data.index(b"MPF\0") + 4 + 8 + 2 + 3 * 12 + 4  # a header, a count, three tags, and an offset
    data[entries + 16 : entries + 20] = struct.pack("<I", kind)
    path.write_bytes(data)
    notices = copy_pictures([path], tmp_path / "out.jpg")
    assert notices == ([f"{path} holds 2 pictures; only the first is used."] if counted else [])
    with Image.open(tmp_path / "out.jpg") as out:
        assert out.format == "JPEG"
    assert b"MPF" not in (tmp_path / "out.jpg").read_bytes()


def test_an_animation_under_the_name_of_a_picture(tmp_path):
    """Of a GIF animation that is called .jpg, as many on the web are, the first picture is used."""
    pages = [Image.fromarray(image) for image in (make_picture(), 255 - make_picture())]
    pages[0].save(tmp_path / "a.jpg", "GIF", save_all=True, append_images=pages[1:])
    with PictureSource([tmp_path / "a.jpg"]) as source:
        assert next(iter(source)).image.shape == make_picture().shape
    assert source.notices == [f"{tmp_path / 'a.jpg'} holds several pictures; only the first is used."]


def test_a_picture_is_never_a_program(tmp_path, monkeypatch):
    """PostScript under the name of a picture is refused: Ghostscript is not started."""
    Image.fromarray(make_picture()).save(tmp_path / "a.png", "EPS")
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("Ghostscript was started"))
    with pytest.raises(MediaError, match="is not a picture of a known format"):
        read_pictures(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_damaged_pictures_are_a_sentence(tmp_path, suffix):
    """Empty, foreign and truncated files end in a sentence that names the file."""
    whole = save_picture(tmp_path / f"whole{suffix}", noise(64, 64)).read_bytes()
    for content in (b"", b"hello, this is no picture", whole[: len(whole) // 2]):
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(content)
        with pytest.raises(MediaError, match=f"^Cannot read .*bad{suffix}: .*\\.$"):
            read_pictures(path)


def test_what_only_cameras_and_few_programs_read(tmp_path):
    """Of a camera's raw file no preview is taken for the photo; it and JPEG XL are refused by their names."""
    preview = ImageFileDirectory_v2()
    preview[254], preview[330] = 1, 8  # reduced resolution; the directory of the photo
    path = tmp_path / "photo.nef"
    Image.new("RGB", (16, 12)).save(path, "TIFF", tiffinfo=preview)
    with pytest.raises(MediaError, match=r"photo\.nef: it is a camera raw file; save it as JPEG"):
        picture_module.read_picture(path, [])
    path.write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + bytes(20))
    with pytest.raises(MediaError, match="it is a camera raw file"):
        picture_module.read_picture(path, [])
    path.write_bytes(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20))
    with pytest.raises(MediaError, match="it is a JPEG XL file"):
        picture_module.read_picture(path, [])


def test_missing_pictures_are_refused_at_once(tmp_path):
    """A missing file, and a folder that holds no picture, are refused when the source is opened."""
    with pytest.raises(MediaError, match=r"There is no file or folder .*gone\.png\."):
        PictureSource([tmp_path / "gone.png"])
    with pytest.raises(MediaError, match=r"There is no picture .* in the folder"):
        PictureSource([tmp_path])


def test_large_pictures_are_refused_by_their_header(tmp_path, monkeypatch):
    """A picture over the limit is refused by its header; Pillow's own limit does not count."""
    path = save_picture(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # which is 15 times less than it has
    assert len(read_pictures(path)) == 1
    monkeypatch.setattr(picture_module, "MAX_PIXELS", 48 * 32 - 1)
    with pytest.raises(MediaError, match=r"a\.png has 48x32 pixels, more than .* accepted"):
        read_pictures(path)


def test_a_tile_can_be_too_large(tmp_path):
    """A TIFF file whose tiles are larger than the limit is refused, however small the picture is."""
    tifffile.imwrite(tmp_path / "tile.tif", make_picture(), tile=(1024, 1024), photometric="rgb")
    with pytest.raises(MediaError, match=r"tile\.tif has 1024x1024 pixels"):
        list(PictureSource([tmp_path / "tile.tif"], max_pixels=1024 * 1024 - 1))


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_the_limit_of_pillow_is_the_callers(tmp_path, monkeypatch, suffix):
    """While pictures are read, no thread sees another limit of pixels than the caller of Pillow has set."""

    class Pillow(type(Image)):
        def __setattr__(self, name, value):
            assert name != "MAX_IMAGE_PIXELS"
            super().__setattr__(name, value)

    path = save_picture(tmp_path / f"a{suffix}")
    monkeypatch.setattr(Image, "__class__", Pillow)
    assert read_pictures(path)[0].shape == (32, 48, 3)
    with pytest.raises(AssertionError):
        Image.MAX_IMAGE_PIXELS = None
