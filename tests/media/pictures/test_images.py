"""Converting pictures: what is kept, what is refused, and that nothing is left behind."""

import os
import struct
import zlib
from contextlib import closing
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from cartoonize.core.errors import MediaError
from cartoonize.media.pictures import picture as picture_module
from cartoonize.media.pictures.formats import PICTURE_SUFFIXES
from cartoonize.media.pictures.picture_sink import PictureSink
from cartoonize.media.pictures.picture_source import PictureSource
from cartoonize.run.pipeline import stream

LOSSLESS = {".png", ".bmp", ".tif", ".tiff", ".jp2"}
NO_METADATA = {".bmp", ".jp2"}


def photo(width=48, height=32):
    """Smooth, so that lossy formats keep it, and different along each edge."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 2], -1).astype(np.uint8)


def saved(path, picture=None, **options):
    picture = photo() if picture is None else picture
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(path, **options)
    return path


@cache
def profile(name="sRGB"):
    # Its time of making, to the second, is in it.
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


def ink_profile():
    """Describe inks of which only the black one can be seen, so that it is plain whether it was asked."""
    same = bytes(range(256))
    white_black = bytes([255, 128, 128, 0, 128, 128])  # Lab without and with black ink
    table = struct.pack(">4s4xBBBx9i", b"mft1", 4, 3, 2, *(65536 * (i % 4 == 0) for i in range(9)))
    return device_profile(b"CMYK", b"Lab ", {b"A2B0": table + same * 4 + white_black * 8 + same * 3})


def described(orientation=None, note="a cat"):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = note
    exif[ExifTags.Base.Artist] = "Ann Other"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2020:02:03 04:05:06"}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    return exif.tobytes()  # not as an object, of which Pillow writes only a part into TIFF files


def read(*paths):
    with PictureSource(paths) as source:
        return [frame.image for frame in source]


def copied(sources, target, *, overwrite=False):
    """Pass pictures through unchanged; return the notices."""
    with PictureSource(sources) as source, PictureSink(target, source, overwrite=overwrite) as sink:
        for frame in source:
            sink.write(frame)
    assert not source.metadata  # nothing piles up
    return source.notices + sink.notices


def assert_refused(sentence, sources, target, **options):
    """Refused in one sentence, and before a picture is read."""
    with PictureSource(sources) as source, pytest.raises(MediaError, match=sentence):
        PictureSink(target, source, **options)


def skip_unless_written(suffix):
    if suffix not in PICTURE_SUFFIXES:
        pytest.skip(f"nothing here writes {suffix}")


def listing(folder):
    return sorted(file.name for file in folder.iterdir())


# Reading


def test_frames(tmp_path):
    """Frames are C-contiguous, writable RGB uint8, count up a second each, and bear their file's name."""
    paths = [saved(tmp_path / name) for name in ("b.png", "a.png")]
    with PictureSource(paths) as source:
        assert source.frames == 2
        for index, frame in enumerate(source):
            assert frame.image.flags.c_contiguous
            assert frame.image.flags.writeable
            assert (frame.pts, frame.time_base, frame.name) == (index, Fraction(1), paths[index].name)
            np.testing.assert_array_equal(frame.image, photo())


def test_folder_in_natural_order(tmp_path):
    """Of a folder, the pictures in it are taken, as a person would sort them; others are named."""
    names = ["p1.png", "p2.PNG", "p10.jpg", "q.webp"]
    for name in reversed(names):
        saved(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "._p1.png").write_bytes(b"what macOS leaves on foreign disks")
    (tmp_path / "below.png").mkdir()
    with PictureSource([tmp_path]) as source:
        assert [frame.name for frame in source] == names
        assert source.notices == [f"1 TXT file in {tmp_path} was left out."]


def test_same_picture_once(tmp_path):
    """A picture that is named twice, or by itself and by its folder, is taken once."""
    path = saved(tmp_path / "a.png")
    assert PictureSource([path, tmp_path, path]).frames == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif", ".heic"])
def test_orientation(tmp_path, orientation, suffix):
    """EXIF orientation is applied to the picture, once: the tag is gone from the output, the rest kept."""
    undone = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
              5: lambda a: a.swapaxes(0, 1), 6: np.rot90, 7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
              8: lambda a: np.rot90(a, -1)}  # fmt: skip
    skip_unless_written(suffix)
    stored = np.ascontiguousarray(undone[orientation](photo()))
    lossless = {"lossless": True} if suffix == ".webp" else {}
    source = saved(tmp_path / f"in{suffix}", stored, exif=described(orientation), **lossless)
    np.testing.assert_allclose(
        read(source)[0].astype(int), photo(), atol=12 if suffix in (".jpg", ".avif", ".heic") else 0
    )
    copied([source], tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as out:
        assert out.size == (48, 32)
        assert out.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert out.getexif()[ExifTags.Base.Artist] == "Ann Other"


def test_grey(tmp_path):
    """Grey pictures, with 1, 8 and 16 bits and with transparency, keep their greys: black, middle, white."""
    levels = np.repeat(np.array([[0, 128, 255]], np.uint8), 4, axis=0)
    deep = levels.astype(np.uint16) * 257
    pictures = {
        "8.png": levels, "8.tif": levels, "16.png": deep, "16.tif": deep,
        "la.png": Image.merge("LA", [Image.fromarray(levels), Image.fromarray(levels)]),
    }  # fmt: skip
    for name, picture in pictures.items():
        image = read(saved(tmp_path / name, picture))[0]
        np.testing.assert_array_equal(image, np.dstack([levels] * 3), name)
    black_white = read(saved(tmp_path / "1.png", Image.fromarray(levels).convert("1", dither=0)))[0]
    np.testing.assert_array_equal(black_white[0, :, 0], [0, 255, 255])


def test_big_endian_grey(tmp_path):
    """16-bit grey TIFF files of either byte order read alike."""
    deep = photo()[..., 0].astype(np.uint16) * 257
    path = saved(tmp_path / "mm.tif", Image.frombytes("I;16B", (48, 32), deep.astype(">u2").tobytes()))
    np.testing.assert_array_equal(read(path)[0][..., 0], photo()[..., 0])


def test_unusual_tiff(tmp_path):
    """16-bit grey that counts down from white reads upright; 16-bit colours in planes are refused."""
    deep = photo().astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "down.tif", 65535 - deep[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "down.tif")[0][..., 0], photo()[..., 0])
    tifffile.imwrite(tmp_path / "planes.tif", deep.transpose(2, 0, 1), photometric="rgb")
    with pytest.raises(MediaError, match=r"planes\.tif: its 16-bit colours are stored in planes"):
        read(tmp_path / "planes.tif")


def test_deep_colours(tmp_path):
    """16-bit RGB PNG files are scaled to 8 bits."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in photo().astype(np.uint16) * 257)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 48, 32, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks
    )
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    np.testing.assert_array_equal(read(tmp_path / "deep.png")[0], photo())


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_without_a_white(tmp_path, dtype):
    """Measurements without a white point are spread from black to white, with a notice."""
    path = saved(tmp_path / "depth.tif", np.array([[-1000, 0, 1000]], dtype))
    with PictureSource([path]) as source:
        assert [frame.image[0, :, 0].tolist() for frame in source] == [[0, 127, 255]]
    assert "does not say which value is white" in source.notices[0]


def test_palette(tmp_path):
    """Palette pictures read as the colours they show."""
    flat = np.repeat(np.repeat(photo(4, 4), 4, 0), 4, 1)
    path = saved(tmp_path / "p.png", Image.fromarray(flat).convert("P", palette=Image.Palette.ADAPTIVE))
    np.testing.assert_array_equal(read(path)[0], flat)


def test_first_of_several(tmp_path):
    """Of an animated or multi-page picture, the first one is used, with a notice."""
    pages = [Image.fromarray(image) for image in (photo(), 255 - photo())]
    for name in ("pages.tif", "moving.png", "moving.webp"):
        path = saved(tmp_path / name, pages[0], save_all=True, append_images=pages[1:], lossless=True)
        with PictureSource([path]) as source:
            np.testing.assert_array_equal(next(iter(source)).image, photo())
        assert source.notices == [f"{path} holds 2 pictures; only the first is used."]


def test_an_animation_under_the_name_of_a_picture(tmp_path):
    """Of a GIF animation that is called .jpg, as many on the web are, the first picture is used."""
    pages = [Image.fromarray(image) for image in (photo(), 255 - photo())]
    pages[0].save(tmp_path / "a.jpg", "GIF", save_all=True, append_images=pages[1:])
    with PictureSource([tmp_path / "a.jpg"]) as source:
        assert next(iter(source)).image.shape == photo().shape
    assert source.notices == [f"{tmp_path / 'a.jpg'} holds several pictures; only the first is used."]


def test_a_picture_is_never_a_program(tmp_path, monkeypatch):
    """PostScript under the name of a picture is refused: Ghostscript is not started."""
    Image.fromarray(photo()).save(tmp_path / "a.png", "EPS")
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("Ghostscript was started"))
    with pytest.raises(MediaError, match="is not a picture of a known format"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_damaged(tmp_path, suffix):
    """Empty, foreign and truncated files end in a sentence that names the file."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = saved(tmp_path / f"whole{suffix}", noise).read_bytes()
    for content in (b"", b"hello, this is no picture", whole[: len(whole) // 2]):
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(content)
        with pytest.raises(MediaError, match=f"^Cannot read .*bad{suffix}: .*\\.$"):
            read(path)


def test_missing(tmp_path):
    """A missing file, and a folder that holds no picture, are refused when the source is opened."""
    with pytest.raises(MediaError, match=r"There is no file or folder .*gone\.png\."):
        PictureSource([tmp_path / "gone.png"])
    with pytest.raises(MediaError, match=r"There is no picture .* in the folder"):
        PictureSource([tmp_path])


def test_too_large(tmp_path, monkeypatch):
    """A picture over the limit is refused by its header; Pillow's own limit does not count."""
    path = saved(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # which is 15 times less than it has
    assert len(read(path)) == 1
    monkeypatch.setattr(picture_module, "MAX_PIXELS", 48 * 32 - 1)
    with pytest.raises(MediaError, match=r"a\.png has 48x32 pixels, more than .* accepted"):
        read(path)


def test_a_tile_can_be_too_large(tmp_path):
    """A TIFF file whose tiles are larger than the limit is refused, however small the picture is."""
    tifffile.imwrite(tmp_path / "tile.tif", photo(), tile=(1024, 1024), photometric="rgb")
    with pytest.raises(MediaError, match=r"tile\.tif has 1024x1024 pixels"):
        list(PictureSource([tmp_path / "tile.tif"], max_pixels=1024 * 1024 - 1))


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_the_limit_of_pillow_is_the_callers(tmp_path, monkeypatch, suffix):
    """While pictures are read, no thread sees another limit of pixels than the caller of Pillow has set."""

    class Pillow(type(Image)):
        def __setattr__(self, name, value):
            assert name != "MAX_IMAGE_PIXELS"
            super().__setattr__(name, value)

    path = saved(tmp_path / f"a{suffix}")
    monkeypatch.setattr(Image, "__class__", Pillow)
    assert read(path)[0].shape == (32, 48, 3)
    with pytest.raises(AssertionError):
        Image.MAX_IMAGE_PIXELS = None


# Writing


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_every_format(tmp_path, suffix):
    """Every format that is read is written, lossless ones exactly, the others closely, colours included."""
    source = saved(tmp_path / "in.png")
    assert copied([source], tmp_path / f"out{suffix}") == []
    tolerance = 0 if suffix in LOSSLESS else 8
    np.testing.assert_allclose(read(tmp_path / f"out{suffix}")[0].astype(int), photo(), atol=tolerance)


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES - NO_METADATA))
def test_what_belongs_to_it_is_kept(tmp_path, suffix):
    """EXIF data with their parts, the ICC profile, and the resolution where the format has a field for it."""
    source = saved(tmp_path / f"in{suffix}", exif=described(), icc_profile=profile(), dpi=(300, 200))
    for target in (tmp_path / f"out{suffix}", tmp_path / "out2.jpg"):
        assert copied([source], target) == []
        with Image.open(target) as out:
            assert out.info["icc_profile"] == profile()
            exif = out.getexif()
            assert exif[ExifTags.Base.Artist] == "Ann Other"
            assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2020:02:03 04:05:06"
            assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
            if suffix not in {".webp", ".avif", ".heic", ".heif"}:
                assert [round(float(dots)) for dots in out.info["dpi"]] == [300, 200]


def test_no_preview_of_the_photo(tmp_path):
    """The thumbnail inside EXIF data shows the photo, so it is not carried into the cartoon."""
    preview = saved(tmp_path / "preview.jpg", 255 - photo()).read_bytes()
    first = struct.pack("<2sHIHHHI4sI", b"II", 42, 8, 1, ExifTags.Base.Artist, 2, 4, b"Ann", 26)
    second = struct.pack("<HHHIIHHIII", 2, 0x201, 4, 1, 56, 0x202, 4, 1, len(preview), 0)
    source = saved(tmp_path / "in.jpg", exif=b"Exif\0\0" + first + second + preview)
    assert preview in source.read_bytes()
    copied([source], tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as out:
        assert out.getexif()[ExifTags.Base.Artist] == "Ann"
    assert preview not in (tmp_path / "out.jpg").read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".avif", ".heic", ".jp2"])
def test_transparency(tmp_path, suffix):
    """Transparency is kept as it was, whether it came as a plane, as a palette entry, or with grey."""
    skip_unless_written(suffix)
    alpha = np.zeros((32, 48), np.uint8)
    alpha[8:24, 16:32] = 255
    plane, shown = Image.fromarray(alpha), Image.fromarray(photo())
    shown.putalpha(plane)
    palette = Image.fromarray(np.where(alpha, 1, 0).astype(np.uint8))
    palette.putpalette([0, 0, 0, 200, 100, 50])
    sources = [
        saved(tmp_path / "rgba.png", shown),
        saved(tmp_path / "la.png", Image.merge("LA", [plane, plane])),
        saved(tmp_path / "p.png", palette, transparency=0),
    ]
    for source in sources:
        out = tmp_path / f"{source.stem}-out{suffix}"
        assert copied([source], out) == []
        with Image.open(out) as picture:
            np.testing.assert_allclose(np.asarray(picture.convert("RGBA"))[..., 3].astype(int), alpha, atol=1)


def test_transparency_on_white(tmp_path):
    """If a format has no transparency, the picture is composited on white, with a notice."""
    picture = Image.fromarray(photo())
    picture.putalpha(0)
    source = saved(tmp_path / "clear.png", picture)
    for suffix in (".jpg", ".bmp"):
        notices = copied([source], tmp_path / f"out{suffix}")
        assert len(notices) == 1
        assert "cannot hold transparency" in notices[0]
        assert (read(tmp_path / f"out{suffix}")[0] == 255).all()


def test_opaque_alpha_is_nothing_to_tell(tmp_path):
    """An alpha plane that is opaque all over costs no notice."""
    source = saved(tmp_path / "in.png", Image.fromarray(photo()).convert("RGBA"))
    assert copied([source], tmp_path / "out.jpg") == []


def test_metadata_a_format_cannot_hold(tmp_path):
    """BMP and JPEG 2000 cannot hold EXIF data and profiles: they are left out, with a notice."""
    source = saved(tmp_path / "in.jpg", exif=described(), icc_profile=profile())
    for suffix in NO_METADATA & PICTURE_SUFFIXES:
        notices = copied([source], tmp_path / f"out{suffix}")
        assert len(notices) == 1
        assert "cannot hold EXIF data or a colour profile" in notices[0]


def test_more_exif_than_jpeg_holds(tmp_path):
    """A JPEG file can hold 64 KiB of EXIF data: more is left out, with a notice."""
    source = saved(tmp_path / "in.png", exif=described(note="x" * 70000))
    assert "so much EXIF data" in copied([source], tmp_path / "out.jpg")[0]


def test_grey_profile_becomes_srgb(tmp_path):
    """Grey values with a profile of their own are turned into sRGB; the profile does not fit any more."""
    middle = np.full((4, 4), 55, np.uint8)  # 0.2157 of linear light is 128 in sRGB
    source = saved(tmp_path / "in.png", middle, icc_profile=grey_profile())
    assert copied([source], tmp_path / "out.png") == []
    np.testing.assert_allclose(read(tmp_path / "out.png")[0].astype(int), 128, atol=2)
    with Image.open(tmp_path / "out.png") as out:
        assert "icc_profile" not in out.info


def test_cmyk_profile_becomes_srgb(tmp_path):
    """CMYK pictures with a profile are turned into sRGB by it; the profile does not fit any more."""
    cmyk = Image.fromarray(photo()).convert("CMYK")  # Pillow uses no black ink
    source = saved(tmp_path / "in.jpg", cmyk, icc_profile=ink_profile())
    assert copied([source], tmp_path / "out.png") == []
    np.testing.assert_allclose(read(tmp_path / "out.png")[0], 255, atol=2)
    with Image.open(tmp_path / "out.png") as out:
        assert "icc_profile" not in out.info


def test_profile_that_does_not_fit(tmp_path):
    """A profile for other colours than the picture's is left out, with a notice."""
    cmyk = saved(tmp_path / "cmyk.jpg", Image.fromarray(photo()).convert("CMYK"), icc_profile=profile())
    rgb = saved(tmp_path / "rgb.png", icc_profile=grey_profile())
    for source in (cmyk, rgb):
        notices = copied([source], tmp_path / "out.png", overwrite=True)
        assert notices == [f"The colour profile of {source} does not fit the picture and was left out."]
        with Image.open(tmp_path / "out.png") as out:
            assert out.mode == "RGB"
            assert "icc_profile" not in out.info


def test_plain_cmyk(tmp_path):
    """CMYK pictures without a profile read as roughly the colours they were made of."""
    source = saved(tmp_path / "in.jpg", Image.fromarray(photo()).convert("CMYK"), quality=95)
    np.testing.assert_allclose(read(source)[0].astype(int), photo(), atol=10)


def test_many_into_a_folder(tmp_path):
    """Several pictures go to a folder, which is made, under their names; unwritable kinds become PNG."""
    sources = [saved(tmp_path / name) for name in ("a.jpg", "a.png", "b.TIF", "c.ppm")]
    copied(sources, tmp_path / "out")
    assert listing(tmp_path / "out") == ["a.jpg", "a.png", "b.TIF", "c.png"]
    copied([sources[0]], tmp_path / "out", overwrite=True)  # one picture into a folder that is there
    assert len(listing(tmp_path / "out")) == 4


@pytest.mark.parametrize("batch", [1, 3])
def test_through_the_pipeline(tmp_path, batch):
    """Read ahead in a thread and drawn in batches, each picture still gets its own details and name."""
    (tmp_path / "in").mkdir()
    for index in range(7):
        size = (48, 32 + index // 3)
        saved(tmp_path / "in" / f"{index}.jpg", photo(*size), exif=described(note=f"number {index}"))
    with (
        PictureSource([tmp_path / "in"]) as source,
        PictureSink(tmp_path / "out", source) as sink,
        closing(stream(source, lambda images: 255 - images, batch=batch)) as frames,
    ):
        for frame in frames:
            sink.write(frame)
    for index in range(7):
        with Image.open(tmp_path / "out" / f"{index}.jpg") as out:
            assert out.size == (48, 32 + index // 3)
            assert out.getexif()[ExifTags.Base.ImageDescription] == f"number {index}"


def test_equal_names_are_refused(tmp_path):
    """Two pictures never share an output, not even on file systems that ignore case."""
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
    pairs = [("x/a.png", "y/a.png"), ("x/b.png", "y/B.png"), ("x/c.ppm", "y/c.png")]
    for pair in pairs:
        assert_refused("would both become", [saved(tmp_path / name) for name in pair], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_existing_output_is_refused(tmp_path):
    """What is there already is replaced only on demand, and the source never."""
    source, other = saved(tmp_path / "a.png"), saved(tmp_path / "b.png", photo()[:8])
    earlier = source.read_bytes()
    assert_refused("exists already", [source], other)
    for overwrite in (False, True):
        assert_refused("is the source itself", [source], source, overwrite=overwrite)
        assert_refused("is the source itself", [tmp_path], tmp_path, overwrite=overwrite)
    assert source.read_bytes() == earlier
    copied([source], other, overwrite=True)
    np.testing.assert_array_equal(read(other)[0], photo())


def test_targets_that_cannot_be(tmp_path):
    """Unknown suffixes, files in place of folders and folders that are not there are refused up front."""
    one, two = saved(tmp_path / "1.png"), saved(tmp_path / "2.png")
    assert_refused("neither a folder nor named like a picture", [one], tmp_path / "out.xyz")
    assert_refused("neither a folder nor named like a picture", [one], tmp_path / "out.xyz")
    assert_refused("there is no folder", [one], tmp_path / "gone" / "out.png")
    assert_refused("there is no folder", [one, two], tmp_path / "gone" / "out")
    assert_refused("is not a folder", [one, two], two, overwrite=True)
    assert_refused("is not a folder", [one, two], tmp_path / "3.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "1.png").mkdir()
    assert_refused("is a folder", [one], tmp_path / "folder.png", overwrite=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(tmp_path):
    """A folder without write permission is refused up front."""
    source = saved(tmp_path / "a.png")
    (tmp_path / "locked").mkdir(mode=0o500)
    assert_refused("not writable", [source], tmp_path / "locked")


def test_beyond_the_format(tmp_path):
    """A picture larger than a format allows is an error of one sentence, and no file is left."""
    source = saved(tmp_path / "wide.png", np.zeros((1, 20000, 3), np.uint8))
    with pytest.raises(MediaError, match=r"Cannot write .*out\.webp as WEBP of 20000x1 pixels: .*16383"):
        copied([source], tmp_path / "out.webp")
    assert listing(tmp_path) == ["wide.png"]


def test_failure_leaves_nothing(tmp_path):
    """When one of several pictures is damaged none is written, earlier ones stay, nothing else is left."""
    (tmp_path / "in").mkdir()
    for name in ("1.png", "2.png"):
        saved(tmp_path / "in" / name)
    (tmp_path / "in" / "3.png").write_bytes(b"no picture")
    with pytest.raises(MediaError, match=r"3\.png"):
        copied([tmp_path / "in"], tmp_path / "new")
    assert listing(tmp_path) == ["in"]

    (tmp_path / "old").mkdir()
    earlier = saved(tmp_path / "old" / "1.png", 255 - photo()).read_bytes()
    with pytest.raises(MediaError, match=r"3\.png"):
        copied([tmp_path / "in"], tmp_path / "old", overwrite=True)
    assert listing(tmp_path / "old") == ["1.png"]
    assert (tmp_path / "old" / "1.png").read_bytes() == earlier


def test_no_frames_is_an_error(tmp_path):
    """A sink that got no picture says so, and leaves nothing."""
    path = saved(tmp_path / "a.png")
    for sources, target in (([path], tmp_path / "out.png"), ([tmp_path], tmp_path / "out")):
        with (
            PictureSource(sources) as source,
            pytest.raises(MediaError, match="no picture to write"),
            PictureSink(target, source),
        ):
            pass
    assert listing(tmp_path) == ["a.png"]


def test_half_written_is_not_there(tmp_path):
    """Until the end of the `with` block there is nothing under the output's name."""
    with (
        PictureSource([saved(tmp_path / "a.png")]) as source,
        PictureSink(tmp_path / "b.png", source) as sink,
    ):
        for frame in source:
            sink.write(frame)
        assert not (tmp_path / "b.png").exists()
    assert listing(tmp_path) == ["a.png", "b.png"]
