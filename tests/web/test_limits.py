"""What the page accepts: kinds of files, and the limits of their bytes, length and pixels."""

import math
import re

import pytest
from clips import Clip, choose_last, remux
from pictures import save_picture
from PIL import Image

from cartoonize.core.errors import MediaError
from cartoonize.media.pictures.formats import FORMATS, PICTURE_SUFFIXES
from cartoonize.web.limits import MEGABYTE, LimitError, Limits, choose_limits


@pytest.fixture
def photo(tmp_path):
    return save_picture(tmp_path / "photo.png")


def test_limits_are_checked_by_headers(tmp_path, photo):
    """Pictures and videos beyond a limit are refused with a sentence that states the limit."""
    clip = Clip(size=(64, 48), times=range(48)).write(tmp_path / "clip.mp4")
    animation = tmp_path / "animation.webp"
    frames = [Image.new("RGB", (8, 8), (50 * n, 0, 0)) for n in range(5)]
    frames[0].save(animation, save_all=True, append_images=frames[1:])
    Limits().check(clip)
    Limits().check(photo)
    for limits, path, sentence in (
        (Limits(seconds=1), clip, "clip.mp4 lasts 2 s; this page accepts up to 1 s"),
        (Limits(frames=47), clip, "more than the 47 frames"),
        (
            Limits(pixels=3071),
            clip,
            "clip.mp4 is 64 x 48 pixels large; this page accepts up to 0.00307 million",
        ),
        (Limits(pixels=1535), photo, "photo.png is 48 x 32 pixels large"),
        (Limits(frames=4), animation, "more than the 4 frames"),
        (Limits(upload=100), photo, "The file has"),
    ):
        with pytest.raises(MediaError, match=re.escape(sentence)):
            limits.check(path)


def test_a_size_that_is_refused_looks_larger_than_the_limit():
    """A file a byte larger than allowed is not said to have the size that is allowed."""
    with pytest.raises(MediaError, match=re.escape("has 4,000.1 MB; this page accepts up to 4,000 MB")):
        Limits(upload=4000 << 20).check_size((4000 << 20) + 1)


def test_large_frames_count_as_several():
    """The time for a video depends on its pixels: of 4K, half as many frames are accepted as of Full HD."""
    limits = Limits(frames=100)
    limits.check_frames(100, 1920, 1080)
    limits.check_frames(50, 3840, 2160)
    with pytest.raises(
        MediaError, match="more than the 50 frames of 3840 x 2160 pixels that this page accepts"
    ):
        limits.check_frames(51, 3840, 2160)
    Limits(frames=math.inf).check_frames(1e9, 3840, 2160)


def test_photos_of_phones_are_pictures(tmp_path):
    """A JPEG with a second picture in it, as phones write them, is a picture; so is a scan of many pages."""
    kinds = []
    for name, form in (("phone.jpg", "MPO"), ("scan.tif", "TIFF"), ("moving.png", "PNG")):
        pages = [Image.new("RGB", (32, 24), colour) for colour in ("red", "blue")]
        pages[0].save(tmp_path / name, form, save_all=True, append_images=pages[1:])
        kinds.append(Limits().check(tmp_path / name))
    assert kinds == ["picture", "picture", "animation"]


def test_files_that_name_other_files_are_refused(tmp_path, photo):
    """Playlists, which name files and addresses of the server, are no videos; PostScript is no picture."""
    clip = Clip().write(tmp_path / "private.mp4")
    made = {
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n",
        "list.mp4": "ffconcat version 1.0\nfile private.mp4\n",
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "dash.mp4": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
        "text.mp4": "nothing of the kind",
    }
    for name, text in made.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(MediaError, match="is not a readable picture or video"):
            Limits().check(tmp_path / name)
    Image.open(photo).save(tmp_path / "in.eps")
    (tmp_path / "in.eps").rename(tmp_path / "eps.png")
    with pytest.raises(MediaError, match=r"eps\.png is not a readable picture"):
        Limits().check(tmp_path / "eps.png")


def test_ones_own_computer_has_no_limit_of_length():
    """A page for its own computer converts long videos; named limits count everywhere."""
    nothing = {"megabytes": None, "seconds": None, "frames": None, "pixels": 1000}
    own, shared = choose_limits(private=True, **nothing), choose_limits(private=False, **nothing)
    own.check_frames(10**9, 1920, 1080)
    with pytest.raises(LimitError):
        shared.check_frames(10**9, 1920, 1080)
    assert (shared.seconds, shared.upload) == (120, 200 * MEGABYTE)
    named = choose_limits(private=True, megabytes=1, seconds=2.0, frames=3, pixels=1000)
    assert named == Limits(MEGABYTE, 2.0, 3, 1000)


def test_the_stream_that_is_converted_is_checked(tmp_path):
    """The limits apply to the video stream that is read, not to a cover or a smaller stream."""
    clips = [Clip(size=size, times=[0]).write(tmp_path / f"{size[0]}.mkv") for size in ((64, 32), (320, 160))]
    path = remux(tmp_path / "two.mkv", *clips, prepare=choose_last)
    with pytest.raises(MediaError, match="320 x 160 pixels"):
        Limits(pixels=320 * 160 - 1).check(path)
    Limits(pixels=320 * 160).check(path)


def test_pictures_of_every_kind(tmp_path):
    """The page accepts each kind of picture that the command line reads, in any case."""
    for suffix in PICTURE_SUFFIXES:
        path = tmp_path / f"photo{suffix.upper()}"
        Image.new("RGB", (32, 32)).save(path, FORMATS[suffix].name)
        Limits().check(path)


@pytest.mark.parametrize(
    "name", ["clip.MTS", "clip.mts", "clip.ts", "clip.3gp", "clip.MP4", "clip.MOV", "clip.Mkv"]
)
def test_suffixes_of_cameras_and_phones(tmp_path, name):
    """The page accepts the videos of cameras and phones, under suffixes in any case."""
    kind = name.lower().replace("mts", "ts")
    Clip(size=(176, 144)).write(tmp_path / kind).rename(tmp_path / name)
    Limits().check(tmp_path / name)
