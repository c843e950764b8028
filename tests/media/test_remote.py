"""Videos in object stores: a real S3 server on this machine, spoken to over the network."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from clips import Clip, all_packets, read_clip

from cartoonize import MediaError, stylize
from cartoonize.core.errors import WriteError
from cartoonize.media import VideoSource, parse_location
from cartoonize.media.remote import Url, staging_path


@pytest.fixture
def video(store, tmp_path):
    """A clip with sound in the bucket, and as a file."""
    clip = Clip(times=range(100), tones=[440], options={"g": "30", "bf": "2"})
    path = clip.write(tmp_path / "in.mp4")
    store.upload_file(str(path), "films", "in.mp4")
    for leftover in store.list_objects_v2(Bucket="films", Prefix="out").get("Contents", []):
        store.delete_object(Bucket="films", Key=leftover["Key"])
    return path


def fetched(store, key, path):
    store.download_file("films", key, str(path))
    return path


def keys(store):
    return [entry["Key"] for entry in store.list_objects_v2(Bucket="films").get("Contents", [])]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_from_store_to_store(video, store, tmp_path, suffix):
    """The result equals that of local files, packet for packet; nothing else is left anywhere."""
    stylize(video, tmp_path / f"one.{suffix}", "null")
    report = stylize(Path("s3://films/in.mp4"), f"s3://films/out/two.{suffix}", "null")
    assert report.frames == 100
    assert report.output == f"s3://films/out/two.{suffix}"
    two = fetched(store, f"out/two.{suffix}", tmp_path / f"two.{suffix}")
    assert all_packets(two) == all_packets(tmp_path / f"one.{suffix}")
    assert keys(store) == ["in.mp4", f"out/two.{suffix}"]
    assert not list(staging_path(Url(f"s3://films/out/two.{suffix}")).parent.iterdir())


def test_a_part_of_a_remote_video(video, store, tmp_path):
    """A part of a remote video is the same as that part of a file."""
    stylize(video, tmp_path / "one.mp4", "null", start=2, end=3.5)
    stylize("s3://films/in.mp4", tmp_path / "two.mp4", "null", start=2, end=3.5)
    assert all_packets(tmp_path / "two.mp4") == all_packets(tmp_path / "one.mp4")


def test_what_is_there_is_not_replaced(video, store):
    """An existing object is replaced only with `overwrite`."""
    store.put_object(Bucket="films", Key="out.mp4", Body=b"earlier")
    with pytest.raises(MediaError, match=r"s3://films/out\.mp4 exists already"):
        stylize(video, "s3://films/out.mp4", "null")
    stylize(video, "s3://films/out.mp4", "null", overwrite=True)
    assert store.head_object(Bucket="films", Key="out.mp4")["ContentLength"] > 1000


@pytest.fixture
def breaking(monkeypatch):
    """Have the network fail at the last step of uploads, until `heal` is called; `steps` were tried."""
    import s3fs

    steps, real = [], s3fs.S3File._call_s3

    def failing(self, method, *args, **options):
        steps.append(method)
        if method in ("put_object", "complete_multipart_upload"):
            raise OSError("the network is gone")
        return real(self, method, *args, **options)

    monkeypatch.setattr(s3fs.S3File, "_call_s3", failing)
    heal = partial(monkeypatch.setattr, s3fs.S3File, "_call_s3", real)
    return SimpleNamespace(steps=steps, heal=heal)


def test_a_failed_upload_leaves_nothing(video, store, tmp_path, short_segments, breaking):
    """If an upload fails, nothing appears in the store; the same call continues from the segments."""
    with pytest.raises(WriteError, match="the network is gone"):
        stylize(video, "s3://films/out.mp4", "null")
    assert keys(store) == ["in.mp4"]
    breaking.heal()
    assert stylize(video, "s3://films/out.mp4", "null").resumed == 96
    assert read_clip(fetched(store, "out.mp4", tmp_path / "out.mp4")).times == read_clip(video).times


def test_a_failed_multipart_upload_leaves_nothing(video, store, tmp_path, breaking):
    """Parts of a large file that were uploaded before an error are removed: nobody has to pay for them."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(60 << 20)  # more than s3fs sends at once
    uploaded = Url("s3://films/out.bin").uploaded(large, overwrite=False)
    with pytest.raises(WriteError, match="the network is gone"), uploaded as appear:
        appear()
    assert "create_multipart_upload" in breaking.steps
    assert keys(store) == ["in.mp4"]
    assert not store.list_multipart_uploads(Bucket="films").get("Uploads")


def test_many_videos_from_store_to_store(video, store, run, workdir):
    """Of several videos, some at addresses, those without a result in a folder of a store get one there."""
    local = video.rename(workdir / "local.mp4")
    store.upload_file(str(local), "films", "out/local.mp4")
    sources = "s3://films/in.mp4", "s3://films/gone.mp4", local
    code, _, err = run("video", *sources, "s3://films/out/", "--style", "null", "--skip-existing")
    assert code == 1
    assert "Failed: There is no file s3://films/gone.mp4." in err
    assert "1 file converted" in err
    assert "1 existed already" in err
    assert keys(store) == ["in.mp4", "out/in.mp4", "out/local.mp4"]
    assert list(workdir.iterdir()) == [local]


def test_what_is_not_there(video, store, tmp_path):
    """A missing object, a missing bucket and an unknown kind of store are refused before any work."""
    for source, word in (
        ("s3://films/no.mp4", "There is no file s3://films/no.mp4"),
        ("s3://films/in.png", "only videos are read from addresses"),
        ("abc://films/in.mp4", "abc"),
    ):
        with pytest.raises(MediaError, match=re.escape(word)):
            stylize(source, tmp_path / "out.mp4", "null")
    with pytest.raises(MediaError, match="there is no nowhere"):
        stylize(video, "s3://nowhere/out.mp4", "null")
    with pytest.raises(MediaError, match="is the source itself"):
        stylize("s3://films/in.mp4", "s3://films/in.mp4", "null", overwrite=True)


def test_a_source_that_is_replaced(video, store):
    """An object that is replaced while it is read is noticed."""
    with VideoSource(parse_location(Path("s3://films/in.mp4"))) as source:
        frames = iter(source)
        next(frames)
        store.put_object(Bucket="films", Key="in.mp4", Body=video.read_bytes() + b"more")
        with pytest.raises(MediaError, match="changed while it was read"):
            list(frames)


def test_a_missing_package_is_named(tmp_path):
    """Without the package for a kind of store, the command that installs it is named."""
    code = (
        "import sys; sys.modules['s3fs'] = None; from cartoonize import stylize; "
        f"stylize('s3://films/in.mp4', {str(tmp_path / 'out.mp4')!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "cartoonize[cloud]"' in done.stderr


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("s3://films/a/b.mp4", "s3://films/a/b.mp4"),
        ("gs://films/b.mp4", "gs://films/b.mp4"),
        ("films/s3/b.mp4", None),
        ("C:/films/b.mp4", None),
        ("-", None),
    ],
)
def test_urls_are_told_from_files(written, url):
    """A location that has the form of a URL is one; drives of Windows are not."""
    location = parse_location(Path(written))
    assert (str(location) if isinstance(location, Url) else None) == url
    if url:
        assert str(location.with_name("c.mp4")) == url.replace("b.mp4", "c.mp4")
        assert (location.name, location.stem, location.suffix) == ("b.mp4", "b", ".mp4")
