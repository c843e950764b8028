"""Writing pictures: what is kept, what is refused, and that nothing is left behind."""

import os
import struct
from contextlib import closing

import numpy as np
import pytest
from clips import names_in
from pictures import (
    colour_profile,
    copy_pictures,
    make_exif,
    make_picture,
    read_pictures,
    require_format,
    save_picture,
)
from PIL import ExifTags, Image

from cartoonize.core.errors import MediaError
from cartoonize.media.pictures.formats import PICTURE_SUFFIXES
from cartoonize.media.pictures.picture_sink import PictureSink
from cartoonize.media.pictures.picture_source import PictureSource
from cartoonize.run.pipeline import stream

LOSSLESS = {".png", ".bmp", ".tif", ".tiff", ".jp2"}


NO_METADATA = {".bmp", ".jp2"}


def assert_refused(sentence, sources, target, **options):
    """Refused in one sentence, and before a picture is read."""
    with PictureSource(sources) as source, pytest.raises(MediaError, match=sentence):
        PictureSink(target, source, **options)


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_every_format_is_written(tmp_path, suffix):
    """Every format that is read is written, lossless ones exactly, the others closely, colours included."""
    source = save_picture(tmp_path / "in.png")
    assert copy_pictures([source], tmp_path / f"out{suffix}") == []
    tolerance = 0 if suffix in LOSSLESS else 8
    np.testing.assert_allclose(
        read_pictures(tmp_path / f"out{suffix}")[0].astype(int), make_picture(), atol=tolerance
    )


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES - NO_METADATA))
def test_what_belongs_to_it_is_kept(tmp_path, suffix):
    """EXIF data with their parts, the ICC profile, and the resolution where the format has a field for it."""
    source = save_picture(
        tmp_path / f"in{suffix}", exif=make_exif(), icc_profile=colour_profile(), dpi=(300, 200)
    )
    for target in (tmp_path / f"out{suffix}", tmp_path / "out2.jpg"):
        assert copy_pictures([source], target) == []
        with Image.open(target) as out:
            assert out.info["icc_profile"] == colour_profile()
            exif = out.getexif()
            assert exif[ExifTags.Base.Artist] == "Ann Other"
            assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2020:02:03 04:05:06"
            assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
            if suffix not in {".webp", ".avif", ".heic", ".heif"}:
                assert [round(float(dots)) for dots in out.info["dpi"]] == [300, 200]


def test_no_preview_of_the_photo(tmp_path):
    """The thumbnail inside EXIF data shows the photo, so it is not carried into the cartoon."""
    preview = save_picture(tmp_path / "preview.jpg", 255 - make_picture()).read_bytes()
    first = struct.pack("<2sHIHHHI4sI", b"II", 42, 8, 1, ExifTags.Base.Artist, 2, 4, b"Ann", 26)
    second = struct.pack("<HHHIIHHIII", 2, 0x201, 4, 1, 56, 0x202, 4, 1, len(preview), 0)
    source = save_picture(tmp_path / "in.jpg", exif=b"Exif\0\0" + first + second + preview)
    assert preview in source.read_bytes()
    copy_pictures([source], tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as out:
        assert out.getexif()[ExifTags.Base.Artist] == "Ann"
    assert preview not in (tmp_path / "out.jpg").read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".avif", ".heic", ".jp2"])
def test_transparency_is_kept(tmp_path, suffix):
    """Transparency is kept as it was, whether it came as a plane, as a palette entry, or with grey."""
    require_format(suffix)
    alpha = np.zeros((32, 48), np.uint8)
    alpha[8:24, 16:32] = 255
    plane, shown = Image.fromarray(alpha), Image.fromarray(make_picture())
    shown.putalpha(plane)
    palette = Image.fromarray(np.where(alpha, 1, 0).astype(np.uint8))
    palette.putpalette([0, 0, 0, 200, 100, 50])
    sources = [
        save_picture(tmp_path / "rgba.png", shown),
        save_picture(tmp_path / "la.png", Image.merge("LA", [plane, plane])),
        save_picture(tmp_path / "p.png", palette, transparency=0),
    ]
    for source in sources:
        out = tmp_path / f"{source.stem}-out{suffix}"
        assert copy_pictures([source], out) == []
        with Image.open(out) as picture:
            np.testing.assert_allclose(np.asarray(picture.convert("RGBA"))[..., 3].astype(int), alpha, atol=1)


def test_transparency_on_white(tmp_path):
    """If a format has no transparency, the picture is composited on white, with a notice."""
    picture = Image.fromarray(make_picture())
    picture.putalpha(0)
    source = save_picture(tmp_path / "clear.png", picture)
    for suffix in (".jpg", ".bmp"):
        notices = copy_pictures([source], tmp_path / f"out{suffix}")
        assert len(notices) == 1
        assert "cannot hold transparency" in notices[0]
        assert (read_pictures(tmp_path / f"out{suffix}")[0] == 255).all()


def test_opaque_alpha_is_nothing_to_tell(tmp_path):
    """An alpha plane that is opaque all over costs no notice."""
    source = save_picture(tmp_path / "in.png", Image.fromarray(make_picture()).convert("RGBA"))
    assert copy_pictures([source], tmp_path / "out.jpg") == []


def test_metadata_a_format_cannot_hold(tmp_path):
    """BMP and JPEG 2000 cannot hold EXIF data and profiles: they are left out, with a notice."""
    source = save_picture(tmp_path / "in.jpg", exif=make_exif(), icc_profile=colour_profile())
    for suffix in NO_METADATA & PICTURE_SUFFIXES:
        notices = copy_pictures([source], tmp_path / f"out{suffix}")
        assert len(notices) == 1
        assert "cannot hold EXIF data or a colour profile" in notices[0]


def test_more_exif_than_jpeg_holds(tmp_path):
    """A JPEG file can hold 64 KiB of EXIF data: more is left out, with a notice."""
    source = save_picture(tmp_path / "in.png", exif=make_exif(note="x" * 70000))
    assert "so much EXIF data" in copy_pictures([source], tmp_path / "out.jpg")[0]


def test_many_into_a_folder(tmp_path):
    """Several pictures go to a folder, which is made, under their names; unwritable kinds become PNG."""
    sources = [save_picture(tmp_path / name) for name in ("a.jpg", "a.png", "b.TIF", "c.ppm")]
    copy_pictures(sources, tmp_path / "out")
    assert names_in(tmp_path / "out") == ["a.jpg", "a.png", "b.TIF", "c.png"]
    copy_pictures([sources[0]], tmp_path / "out", overwrite=True)  # one picture into a folder that is there
    assert len(names_in(tmp_path / "out")) == 4


@pytest.mark.parametrize("batch", [1, 3])
def test_through_the_pipeline(tmp_path, batch):
    """Read ahead in a thread and drawn in batches, each picture still gets its own details and name."""
    (tmp_path / "in").mkdir()
    for index in range(7):
        size = (48, 32 + index // 3)
        save_picture(
            tmp_path / "in" / f"{index}.jpg", make_picture(*size), exif=make_exif(note=f"number {index}")
        )
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
        assert_refused(
            "would both become", [save_picture(tmp_path / name) for name in pair], tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_existing_output_is_refused(tmp_path):
    """What is there already is replaced only on demand, and the source never."""
    source, other = save_picture(tmp_path / "a.png"), save_picture(tmp_path / "b.png", make_picture()[:8])
    earlier = source.read_bytes()
    assert_refused("exists already", [source], other)
    for overwrite in (False, True):
        assert_refused("is the source itself", [source], source, overwrite=overwrite)
        assert_refused("is the source itself", [tmp_path], tmp_path, overwrite=overwrite)
    assert source.read_bytes() == earlier
    copy_pictures([source], other, overwrite=True)
    np.testing.assert_array_equal(read_pictures(other)[0], make_picture())


def test_targets_that_cannot_be(tmp_path):
    """Unknown suffixes, files in place of folders and folders that are not there are refused up front."""
    one, two = save_picture(tmp_path / "1.png"), save_picture(tmp_path / "2.png")
    assert_refused("neither a folder nor named like a picture: name out.png", [one], tmp_path / "out.xyz")
    assert_refused("1.png is a file; name a folder", [one], one / "deep" / "out.png")
    assert_refused("there is no folder", [one], tmp_path / "gone" / "out.png")
    assert_refused("there is no folder", [one, two], tmp_path / "gone" / "out")
    assert_refused("is not a folder", [one, two], two, overwrite=True)
    assert_refused("is not a folder", [one, two], tmp_path / "3.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "1.png").mkdir()
    assert_refused("is a folder", [one], tmp_path / "folder.png", overwrite=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_refused(tmp_path):
    """A folder without write permission is refused up front."""
    source = save_picture(tmp_path / "a.png")
    (tmp_path / "locked").mkdir(mode=0o500)
    assert_refused("not writable", [source], tmp_path / "locked")


def test_beyond_the_format(tmp_path):
    """A picture larger than a format allows is an error of one sentence, and no file is left."""
    source = save_picture(tmp_path / "wide.png", np.zeros((1, 20000, 3), np.uint8))
    with pytest.raises(MediaError, match=r"Cannot write .*out\.webp as WEBP of 20000x1 pixels: .*16383"):
        copy_pictures([source], tmp_path / "out.webp")
    assert names_in(tmp_path) == ["wide.png"]


def test_failure_leaves_nothing(tmp_path):
    """When one of several pictures is damaged none is written, earlier ones stay, nothing else is left."""
    (tmp_path / "in").mkdir()
    for name in ("1.png", "2.png"):
        save_picture(tmp_path / "in" / name)
    (tmp_path / "in" / "3.png").write_bytes(b"no picture")
    with pytest.raises(MediaError, match=r"3\.png"):
        copy_pictures([tmp_path / "in"], tmp_path / "new")
    assert names_in(tmp_path) == ["in"]

    (tmp_path / "old").mkdir()
    earlier = save_picture(tmp_path / "old" / "1.png", 255 - make_picture()).read_bytes()
    with pytest.raises(MediaError, match=r"3\.png"):
        copy_pictures([tmp_path / "in"], tmp_path / "old", overwrite=True)
    assert names_in(tmp_path / "old") == ["1.png"]
    assert (tmp_path / "old" / "1.png").read_bytes() == earlier


def test_no_frames_is_an_error(tmp_path):
    """A sink that got no picture says so, and leaves nothing."""
    path = save_picture(tmp_path / "a.png")
    for sources, target in (([path], tmp_path / "out.png"), ([tmp_path], tmp_path / "out")):
        with (
            PictureSource(sources) as source,
            pytest.raises(MediaError, match="no picture to write"),
            PictureSink(target, source),
        ):
            pass
    assert names_in(tmp_path) == ["a.png"]


def test_half_written_is_not_there(tmp_path):
    """Until the end of the `with` block there is nothing under the output's name."""
    with (
        PictureSource([save_picture(tmp_path / "a.png")]) as source,
        PictureSink(tmp_path / "b.png", source) as sink,
    ):
        for frame in source:
            sink.write(frame)
        assert not (tmp_path / "b.png").exists()
    assert names_in(tmp_path) == ["a.png", "b.png"]


def test_a_name_that_is_taken_meanwhile_leaves_no_picture(tmp_path):
    """When another program takes the name of one of several pictures, none of the others stays."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("1.png", "2.png", "3.png"):
        save_picture(tmp_path / "in" / name)

    def copy():
        source = PictureSource([tmp_path / "in"])
        with source, PictureSink(tmp_path / "out", source) as sink:
            for frame in source:
                sink.write(frame)
            (tmp_path / "out" / "2.png").write_text("mine")

    with pytest.raises(MediaError, match=r"2\.png was created by another program"):
        copy()
    assert names_in(tmp_path / "out") == ["2.png"]
