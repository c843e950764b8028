"""Promises of every sink, and of sources and sinks that a user of the library writes."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import Clip
from PIL import Image
from processes import file_limit

from cartoonize import Frame, open_sink, open_source
from cartoonize.core.containers import CONTAINERS
from cartoonize.core.errors import BusyError, MediaError, SpaceError, WriteError
from cartoonize.media import PictureSource, Sink, Source, VideoInfo, VideoSource
from cartoonize.media.remote import Url, open_container


class Squares(Source):
    """Ten grey frames, as a user of the library may write a source: with what an ABC asks for, and a size."""

    def __init__(self, video: VideoInfo | None) -> None:
        self.video = video

    def __iter__(self) -> Iterator[Frame]:
        for number in range(10):
            yield Frame(np.full((48, 64, 3), 20 * number, np.uint8), number, Fraction(1, 25), 1)


def video_of(tmp_path: Path) -> VideoSource:
    return VideoSource(Clip(tones=[440]).write(tmp_path / "in.mp4"))


def pictures_of(tmp_path: Path) -> PictureSource:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 48)).save(tmp_path / "in" / name)
    return PictureSource([tmp_path / "in"])


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("out.mp4", video_of), ("out.webm", video_of), ("out.gif", video_of), ("out.y4m", video_of),
        ("frames/%05d.png", video_of), ("here/%05d.png", video_of), ("new", pictures_of),
        ("here", pictures_of), ("out.mkv", lambda _: Squares(VideoInfo.of_frames(64, 48, 25))),
    ],
)  # fmt: skip
def test_a_sink_that_is_never_entered_leaves_no_trace(tmp_path, name, source):
    """Opening a sink creates, locks and changes nothing; that happens when its `with` block is entered."""
    (tmp_path / "here").mkdir()
    opened = source(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with opened:
        open_sink(tmp_path / name, opened)
        open_sink(tmp_path / name, opened)  # nor is it busy
    assert sorted(tmp_path.rglob("*")) == before


def test_a_video_sink_is_busy_while_another_is_entered(tmp_path):
    """Two sinks cannot write one file at once; the second one is refused, and harms nothing."""
    with video_of(tmp_path) as source, open_sink(tmp_path / "out.mp4", source) as sink:
        with pytest.raises(BusyError, match="Another process"), open_sink(tmp_path / "out.mp4", source):
            pass
        for frame in source:
            sink.write(frame)
    assert open_source(tmp_path / "out.mp4").frames == 12


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.gif", "out.y4m"])
def test_a_source_of_ones_own_becomes_a_video(tmp_path, name):
    """`open_sink` takes any Source that states its size and rate; all frames and times are there."""
    with Squares(VideoInfo.of_frames(64, 48, 25)) as source, open_sink(tmp_path / name, source) as sink:
        for frame in source:
            sink.write(frame)
    with open_source(tmp_path / name) as written:
        assert [round(frame.time, 3) for frame in written] == [round(n / 25, 3) for n in range(10)]


@pytest.mark.parametrize("video", [None, VideoInfo.of_frames(64, 48, 25)])
def test_a_source_of_ones_own_becomes_pictures(tmp_path, video):
    """Numbered pictures need no size and no rate."""
    with Squares(video) as source, open_sink(tmp_path / "out" / "%03d.png", source) as sink:
        for frame in source:
            sink.write(frame)
    assert len(list((tmp_path / "out").iterdir())) == 10


def test_a_source_without_a_size_is_told_what_is_missing(tmp_path):
    """A source without size and rate cannot become a video; the error says where to state them."""
    with pytest.raises(MediaError, match=r"does not state the size and the rate.*VideoInfo"):
        open_sink(tmp_path / "out.mp4", Squares(None))
    assert list(tmp_path.iterdir()) == []


def test_a_sink_of_ones_own_needs_only_write():
    """A sink of the user needs no method but `write`."""

    class Counter(Sink):
        frames = 0

        def write(self, _frame: Frame) -> None:
            self.frames += 1

    with Squares(None) as source, Counter() as sink:
        for frame in source:
            sink.write(frame)
    assert sink.frames == 10
    assert (sink.notices, sink.resumable, sink.mark_partial(), sink.is_closed()) == ([], None, None, False)
    assert sink.yuv_weights is None


class Noise(Source):
    """Frames that take much space, except for the first one."""

    video = VideoInfo.of_frames(64, 48, 25)

    def __init__(self, frames: int) -> None:
        self.frames = frames

    def __iter__(self) -> Iterator[Frame]:
        images = np.random.default_rng(0).integers(0, 256, (8, 48, 64, 3), np.uint8)
        images[0] = 0
        for number in range(self.frames):
            yield Frame(images[number and 1 + number % 7], number, Fraction(1, 25), 1)


def record(target: Path, frames: int = 250, *, recording: bool = True) -> None:
    with Noise(frames) as source, open_sink(target, source, recording=recording) as sink:
        for frame in source:
            sink.write(frame)


def record_until(
    target: Path, then: Callable[[], object], frames: int = 6, *, overwrite: bool = False
) -> None:
    """Record some frames, then call a function."""
    with (
        Noise(frames) as source,
        open_sink(target, source, overwrite=overwrite, recording=True) as sink,
    ):
        for frame in source:
            sink.write(frame)
        then()


def fail_for_memory() -> None:
    """As cv2, or FFmpeg, at an allocation."""
    raise MemoryError


@pytest.mark.parametrize("suffix", [suffix for row in CONTAINERS for suffix in row.suffixes])
def test_a_video_without_its_last_byte_is_no_video(tmp_path, suffix):
    """If the last byte of a video has no space, an error says so, and there is no file."""
    target = tmp_path / f"out{suffix}"
    record(target, 16, recording=False)
    size = target.stat().st_size
    target.unlink()
    with file_limit(size - 1), pytest.raises(SpaceError):
        record(target, 16, recording=False)
    assert list(tmp_path.iterdir()) == []


def playable_times(target: Path) -> list[float]:
    """The times of the frames that can be decoded, by plain PyAV."""
    times = []
    with av.open(target) as container, suppress(av.error.InvalidDataError):  # the last one may be cut
        times.extend(round(frame.time, 2) for frame in container.decode(video=0))
    return times


def partial_of(target: Path) -> Path:
    """The name of an incomplete recording."""
    return target.with_name(f"{target.stem}.partial{target.suffix}")


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.ts", "out.flv", "out.avi", "out.gif"])
@pytest.mark.parametrize("missing", [0.5, 1500, 1])
def test_a_recording_keeps_what_was_written(tmp_path, name, missing):
    """If the disk is full, in the middle of a recording or at its end, what was written can be played."""
    record(tmp_path / name)
    size = (tmp_path / name).stat().st_size
    (tmp_path / name).unlink()
    limit = int(size * missing) if missing < 1 else size - missing
    with file_limit(limit), pytest.raises(SpaceError) as full:
        record(tmp_path / name)
    kept = partial_of(tmp_path / name)
    assert full.value.__notes__ == [f"What was recorded until then is in {kept}."]
    assert list(tmp_path.iterdir()) == [kept]
    times = playable_times(kept)
    assert len(times) >= (60 if missing < 1 else 200)
    assert np.allclose(np.diff(times), 0.04)


def test_a_recording_that_fails_replaces_no_file(tmp_path):
    """If the disk is full, an earlier file stays as it was, also with `overwrite`."""
    target = tmp_path / "out.mkv"
    target.write_bytes(b"earlier")
    with file_limit(50_000), pytest.raises(SpaceError):
        record_until(target, lambda: None, 250, overwrite=True)
    assert target.read_bytes() == b"earlier"
    assert sorted(tmp_path.iterdir()) == [target, partial_of(target)]
    assert playable_times(partial_of(target))


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.ts"])
@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("A network."), cv2.error("A filter.")])
def test_a_recording_outlives_any_error(tmp_path, name, error):
    """Whatever fails, all frames that were written are kept, also those that the encoder held back."""

    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        record_until(tmp_path / name, fail, 100)
    kept = partial_of(tmp_path / name)
    assert f"What was recorded until then is in {kept}." in error.__notes__
    assert list(tmp_path.iterdir()) == [kept]
    assert len(playable_times(kept)) == 100


def test_a_recording_whose_name_was_taken(tmp_path):
    """If another program makes a file of its name, a recording gets one that is free."""
    target = tmp_path / "out.mp4"
    partial_of(target).write_bytes(b"older")
    with pytest.raises(MediaError, match="was created by another program") as failure:
        record_until(target, lambda: target.write_bytes(b"theirs"))
    kept = tmp_path / "out.partial-2.mp4"
    assert failure.value.__notes__ == [f"What was recorded until then is in {kept}."]
    assert (target.read_bytes(), partial_of(target).read_bytes()) == (b"theirs", b"older")
    assert len(playable_times(kept)) == 6
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_recording_that_is_not_surely_on_the_disk_is_kept(tmp_path, monkeypatch, number):
    """If the system cannot confirm that a recording is on the disk, it stays, and an error says so."""

    def fail(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WriteError):
        record_until(tmp_path / "out.mp4", lambda: None)
    assert list(tmp_path.iterdir()) == [tmp_path / "out.partial.mp4"]
    assert len(playable_times(tmp_path / "out.partial.mp4")) == 6


@pytest.mark.parametrize("name", ["out.mp4", "frames/%03d.bmp"])
def test_a_recording_that_cannot_begin_leaves_nothing(tmp_path, name):
    """If nothing of a recording could be written, there is no file, and the error promises none."""
    with file_limit(100), pytest.raises(SpaceError) as full:
        record(tmp_path / name)
    assert not hasattr(full.value, "__notes__")
    assert list(tmp_path.iterdir()) == []


def test_a_recording_of_pictures_keeps_them(tmp_path):
    """If the disk is full, the pictures that were written stay; the one that was not is no file."""
    with file_limit(5000), pytest.raises(SpaceError) as full:
        record(tmp_path / "out" / "%03d.png")
    assert full.value.__notes__ == [f"What was recorded until then is in {tmp_path / 'out'}."]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["001.png"]


def test_a_recording_of_pictures_is_never_taken_back(tmp_path):
    """If another program makes a picture of the same name, or memory is short, all other pictures stay."""
    folder = tmp_path / "out"
    with pytest.raises(MediaError, match=r"003\.png was created by another program") as failure:
        record_until(folder / "%03d.png", lambda: (folder / "003.png").write_bytes(b"theirs"))
    assert failure.value.__notes__ == [f"What was recorded until then is in {folder}."]
    assert sorted(path.name for path in folder.iterdir()) == [f"00{n}.png" for n in range(1, 7)]
    assert (folder / "003.png").read_bytes() == b"theirs"
    with pytest.raises(MemoryError) as short:
        record_until(tmp_path / "new" / "%03d.png", fail_for_memory)
    assert short.value.__notes__ == [f"What was recorded until then is in {tmp_path / 'new'}."]
    assert len(list((tmp_path / "new").iterdir())) == 6


def open_files(folder: Path) -> list[str]:
    """The files in a folder that this process has open."""
    names = []
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone
            names.append(str(handle.readlink()))
    return sorted(name for name in names if name.startswith(str(folder)))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux shows them")
@pytest.mark.parametrize(
    "fails",
    [
        "cartoonize.media.writing.passthrough.Passthrough._copy_descriptions",
        "cartoonize.media.writing.video_sink.VideoSink._start",
        "cartoonize.media.writing.video_sink.open_output",
        "cartoonize.media.writing.journal.Journal._remove_unless_own",
    ],
)
def test_no_file_stays_open_after_an_error(tmp_path, monkeypatch, fails):
    """If entering a sink fails, everything that it opened is closed, and no file is left."""

    def fail(*_args, **_options):
        raise MediaError("no luck")

    with video_of(tmp_path) as source:
        before = open_files(tmp_path)
        monkeypatch.setattr(fails, fail)
        with pytest.raises(MediaError, match="no luck"):
            open_sink(tmp_path / "out.mp4", source).__enter__()
        assert open_files(tmp_path) == before
    monkeypatch.undo()
    with video_of(tmp_path) as source, open_sink(tmp_path / "out.mp4", source) as sink:  # and it is not busy
        sink.write(next(iter(source)))


def test_a_remote_file_that_is_no_video_is_closed(monkeypatch):
    """A remote file that FFmpeg cannot read is closed."""
    file = io.BytesIO(b"no video")
    monkeypatch.setattr(Url, "open", lambda _url: file)
    with pytest.raises(av.error.InvalidDataError):
        open_container(Url("s3://videos/a.mp4"))
    assert file.closed
