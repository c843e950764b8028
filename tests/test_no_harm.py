"""No file is harmed by any command: not the source, and not files of others."""

import io
import os
import shutil
import signal
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from clips import Clip, names_in, read_clip
from noise import noise
from PIL import Image
from processes import limit_file_size, run_program

from cartoonize import MediaError, stylize
from cartoonize.backends import load
from cartoonize.core import safe_files
from cartoonize.core.atomic import AtomicFile
from cartoonize.core.errors import SpaceError, Stopped, WriteError
from cartoonize.media import PictureSink, PictureSource, VideoSink, VideoSource, open_sink
from cartoonize.media.pictures.sequence_sink import ImageSequenceSink
from cartoonize.media.writing import journal, segments
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import save_style
from cartoonize.run import pipeline
from cartoonize.run.job import run as run_job
from cartoonize.run.report import Report
from cartoonize.styles.card import Card

POSIX = pytest.mark.skipif(os.name == "nt", reason="links and FIFOs of POSIX")


def photo(path, side=48):
    Image.fromarray(noise(side, side)).save(path)
    return path


def animation(path):
    frames = [Image.new("RGB", (48, 32), (40 * n, 90, 30)) for n in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def clip(path):
    return Clip().write(path)


def style(path):
    save_style(path, ARCHITECTURES["swift"](width=4, blocks=1), Card("tiny"))
    return path


# The source, what makes it, and the command line, in which @ is another name of the source.
COMMANDS = [
    ("a.png", photo, ["image", "a.png", "@", "--style", "null"]),
    ("a.mp4", clip, ["video", "a.mp4", "@", "--style", "null"]),
    ("a.png", animation, ["video", "a.png", "@", "--style", "null"]),
    ("a.png", animation, ["video", "a.png", "@", "--style", "null", "--preview", "2"]),
    ("a.png", photo, ["styles", "preview", "a.png", "@"]),
    ("a.mp4", clip, ["live", "--source", "a.mp4", "--sink", "@", "--style", "null"]),
    ("a.safetensors", style, ["train", "average", "a.safetensors", "a.safetensors", "@"]),
    ("a.safetensors", style, ["import-weights", "a.safetensors", "@"]),
]


@pytest.mark.parametrize("overwrite", [[], ["-y"]], ids=["", "overwrite"])
@pytest.mark.parametrize("way", ["itself", "dots", "symlink", "hardlink"])
@pytest.mark.parametrize(
    ("name", "make", "command"), COMMANDS, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_source_is_never_a_target(workdir, run, name, make, command, way, overwrite):
    """No command replaces the file that it reads, by any of its names, or suggests to."""
    source = make(workdir / name)
    before = source.read_bytes()
    other = Path(name)
    if way == "dots":
        other = Path("..", workdir.name, name)
    elif way != "itself":
        other = Path("other" + source.suffix)
        (other.symlink_to if way == "symlink" else other.hardlink_to)(source)
    code, _, messages = run(*[other if word == "@" else word for word in command], *overwrite)
    assert code == 1, messages
    assert "is the source itself" in messages
    assert "-y" not in messages
    assert source.read_bytes() == before
    assert {path.name for path in workdir.iterdir()} == {name, other.name}


def test_numbered_pictures_never_replace_their_source(workdir, run):
    """An animation whose own name fits the pattern stays."""
    before = animation(workdir / "2.webp").read_bytes()
    code, _, messages = run("video", "2.webp", "%d.webp", "-y", "--style", "null")
    assert code == 1
    assert "is the source itself" in messages
    assert names_in(workdir) == ["2.webp"]
    assert (workdir / "2.webp").read_bytes() == before


def test_a_partial_result_never_replaces_its_source(workdir):
    """The result of a damaged file that is named partial gets another name, and an earlier one stays."""
    whole = Clip(times=range(96), tones=[440], options={"crf": "10", "g": "12"}).write(workdir / "whole.mkv")
    source = workdir / "a.partial.mkv"
    source.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    before = source.read_bytes()
    for number in (2, 3):
        with pytest.raises(MediaError, match=rf"a\.partial-{number}\.mkv"):
            stylize(source, workdir / "a.mkv", "null")
    assert source.read_bytes() == before
    assert read_clip(workdir / "a.partial-2.mkv").times == read_clip(workdir / "a.partial-3.mkv").times


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_what_appears_while_a_picture_is_drawn_stays(tmp_path, monkeypatch, links):
    """A file that somebody puts under the target's name meanwhile is not replaced, on any file system."""
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)
    source = photo(tmp_path / "a.png")
    with PictureSource([source]) as frames:
        sink = PictureSink(tmp_path / "b.png", frames)
        with pytest.raises(MediaError, match="created by another program"), sink:  # noqa: PT012  # at its end
            sink.write(next(iter(frames)))
            (tmp_path / "b.png").write_text("theirs")
    assert (tmp_path / "b.png").read_text() == "theirs"
    assert names_in(tmp_path) == ["a.png", "b.png"]
    (tmp_path / "b.png").unlink()
    stylize(source, tmp_path / "b.png", "null")
    assert names_in(tmp_path) == ["a.png", "b.png"]


def no_links(path, _target):
    raise OSError(1, "Operation not permitted", str(path))


def test_what_appears_while_a_video_is_drawn_stays(tmp_path, monkeypatch):
    """A file that appears under the name of a video meanwhile is not replaced; finished segments are kept."""
    monkeypatch.setattr(pipeline, "SEGMENT", 8)
    source = Clip(times=range(24)).write(tmp_path / "in.mp4")
    commit = journal.Journal.commit

    def meanwhile(self):
        (tmp_path / "out.mp4").write_text("theirs")
        commit(self)

    monkeypatch.setattr(journal.Journal, "commit", meanwhile)
    with pytest.raises(MediaError, match="created by another program") as refused:
        stylize(source, tmp_path / "out.mp4", "null")
    monkeypatch.setattr(journal.Journal, "commit", commit)
    assert (tmp_path / "out.mp4").read_text() == "theirs"
    assert "24 frames are kept in .out.mp4.cartoonize" in refused.value.__notes__[0]
    assert stylize(source, tmp_path / "out.mp4", "null", overwrite=True).resumed == 24


PLANTED = ["key.json", "segment-0", "segment-8", "segment.new", "lock", "out.mp4"]


def link(path, victim):
    path.symlink_to(victim)


def dangling(path, victim):
    path.symlink_to(victim.with_name("gone"))


def folder(path, _):
    path.mkdir()
    (path / "inside").write_text("x")


def fifo(path, _):
    os.mkfifo(path)


def deep(path, _):
    path.write_text('{"format": 2, "a": ' + "[" * 100_000)


def wrong(path, _):
    path.write_text('["format", 2]')


def empty(path, _):
    path.write_bytes(b"")


@POSIX
@pytest.mark.parametrize("plant", [link, dangling, folder, fifo, deep, wrong, empty])
def test_what_strangers_plant_does_no_harm(tmp_path, plant):
    """A video is made whatever lies in the folder for its segments, and no file of others is written to."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    source = Clip(times=range(12)).write(tmp_path / "in.mp4")
    inside = tmp_path / ".out.mp4.cartoonize"
    inside.mkdir(mode=0o777)
    inside.chmod(0o777)
    for name in PLANTED:
        plant(inside / name, victim)
    done = run_program("video", source, tmp_path / "out.mp4", "--style", "null")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "could not be used" in done.stderr
    assert victim.read_text() == "precious"
    assert names_in(tmp_path) == ["in.mp4", "out.mp4", "victim"]
    assert len(read_clip(tmp_path / "out.mp4").times) == 12


@pytest.mark.parametrize(
    "described",
    [
        {"frames": 5}, {"frames": 10**12}, {"frames": 0}, {"first": "0"}, {"mark": []}, {"before": {}},
        {"mark": {"pts": 1.5, "crc": 0, "packets": 0, "frames": 0}}, {"begins": 1 << 40}, {"last": 1 << 70},
        {"first": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_segment_that_miscounts_does_not_count(tmp_path, monkeypatch, described):
    """A segment with a right checksum and a wrong description is drawn again, with a note."""
    monkeypatch.setattr(pipeline, "SEGMENT", 4)
    source = Clip(times=range(12)).write(tmp_path / "in.mp4")
    stopped(source, tmp_path / "out.mp4", after=9)
    path = tmp_path / ".out.mp4.cartoonize" / "segment-0"
    data = path.read_bytes()
    forged = io.BytesIO()
    writer = segments.SegmentWriter(forged)
    for packet in segments.read_packets(io.BytesIO(data)):
        writer.add(packet)
    description = {**asdict(segments.read_segment(io.BytesIO(data))), **described}
    monkeypatch.setattr(segments, "asdict", lambda _: description)
    writer.end(None)
    monkeypatch.undo()
    monkeypatch.setattr(pipeline, "SEGMENT", 4)
    path.write_bytes(forged.getvalue())
    report = stylize(source, tmp_path / "out.mp4", "null")
    assert (report.frames, report.resumed) == (12, 0)
    assert any("could not be used" in notice for notice in report.notices)


def stopped(source, target, after):
    """Leave the segments of a run that was stopped."""

    def on_frame(done):
        if done == after:
            raise KeyboardInterrupt

    with VideoSource(source) as frames, pytest.raises(KeyboardInterrupt):
        run_job(frames, open_sink(target, frames), load("null"), Report(str(target), "null"),
                on_frame=on_frame)  # fmt: skip


@POSIX
@pytest.mark.parametrize("whose", ["link", "other"])
def test_a_folder_that_is_not_ones_own_is_refused(tmp_path, whose):
    """A video is not made in a folder that is a link or belongs to somebody else; the sentence names it."""
    source, inside = clip(tmp_path / "in.mp4"), tmp_path / ".out.mp4.cartoonize"
    if whose == "link":
        (tmp_path / "elsewhere").mkdir()
        inside.symlink_to(tmp_path / "elsewhere")
    else:
        if os.geteuid() != 0:
            pytest.skip("only root can give folders away")
        inside.mkdir()
        os.chown(inside, 12345, 12345)
    with pytest.raises(WriteError, match="belongs to somebody else; remove it"):
        stylize(source, tmp_path / "out.mp4", "null")
    assert os.path.lexists(inside)
    assert list(inside.iterdir()) == []


@POSIX
def test_nobody_else_can_write_where_a_video_is_made(tmp_path):
    """The folder is private with any umask, and an open one is made private."""
    before = os.umask(0)
    try:
        for folder_there in (False, True):
            inside = tmp_path / ".out.mp4.cartoonize"
            if folder_there:
                inside.mkdir(mode=0o777)
            with VideoSource(clip(tmp_path / "in.mp4")) as frames:
                sink = open_sink(tmp_path / "out.mp4", frames)
                with pytest.raises(KeyError), sink:  # noqa: PT012
                    assert inside.stat().st_mode & 0o777 == 0o700
                    raise KeyError
    finally:
        os.umask(before)


def test_a_draft_is_written_to_a_new_file_only(tmp_path):
    """If a stranger guesses the name of a draft, what has this name is not written to."""
    file, victim = AtomicFile(tmp_path / "a.png", overwrite=False), tmp_path / "victim"
    victim.write_text("precious")
    file.path.symlink_to(victim)
    with pytest.raises(MediaError):
        file.write(b"cartoon")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("kind", ["picture", "frames", "preview", "folder"])
def test_a_full_disk_has_its_exit_code(workdir, kind):
    """Without space for pictures, numbered frames or a preview, the exit code is 6, and no file is left."""
    photo(workdir / "a.png", 400)
    Clip(
        size=(320, 240), times=range(3), images=[np.array(Image.open("a.png").resize((320, 240)))] * 3
    ).write(workdir / "a.mp4")
    words = {
        "picture": ["image", "a.png", "b.png"],
        "folder": ["image", "a.png", "new/"],
        "frames": ["video", "a.mp4", "new/%03d.png"],
        "preview": ["video", "a.mp4", "b.png", "--preview", "2"],
    }[kind]
    done = run_program(*words, "--style", "null", preexec_fn=limit_file_size(9999))
    assert done.returncode == SpaceError.exit_code, done.stderr
    assert "Traceback" not in done.stderr
    assert names_in(workdir) == ["a.mp4", "a.png"]


def test_a_signal_after_the_renaming_finds_a_complete_video(tmp_path, monkeypatch):
    """A run that is stopped between renaming and cleaning up says that the video is complete."""
    monkeypatch.setattr(pipeline, "SEGMENT", 8)
    source, target = Clip(times=range(24)).write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    put = journal.put

    def put_and_stop(*arguments, **options):
        put(*arguments, **options)
        signal.raise_signal(signal.SIGTERM)

    def stop(number, _):
        raise Stopped(number)

    monkeypatch.setattr(journal, "put", put_and_stop)
    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Stopped) as stopped_by:
            stylize(source, target, "null")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped_by.value.__notes__ == [f"{target} is complete."]
    assert names_in(tmp_path) == ["in.mp4", "out.mp4"]
    assert len(read_clip(target).times) == 24


def test_lost_segments_are_not_called_kept(tmp_path, monkeypatch):
    """If the segments were removed meanwhile, no notice mentions them."""
    monkeypatch.setattr(pipeline, "SEGMENT", 8)
    source = Clip(times=range(24)).write(tmp_path / "in.mp4")

    def write(self, frame):
        if frame.pts * frame.time_base > 0.7:
            shutil.rmtree(tmp_path / ".out.mp4.cartoonize")
            raise MediaError("The disk is gone.")
        return written(self, frame)

    written = VideoSink.write
    monkeypatch.setattr(VideoSink, "write", write)
    with pytest.raises(MediaError) as failed:
        stylize(source, tmp_path / "out.mp4", "null")
    assert not hasattr(failed.value, "__notes__")


def test_pictures_of_a_video_are_closed_to_links(tmp_path):
    """Numbered pictures do not follow a link that stands under one of their names."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "00002.png").symlink_to(victim)
    with VideoSource(clip(tmp_path / "in.mp4")) as video:
        sink = ImageSequenceSink(tmp_path / "out", video, background="white", overwrite=True)
        with sink:
            for frame in video:
                sink.write(frame)
    assert victim.read_text() == "precious"
    assert len(list((tmp_path / "out").iterdir())) == 12


@POSIX
def test_safe_files_know_what_is_ones_own(tmp_path):
    """A link, a FIFO and a folder are not read; a name that anything has, if a dangling link, is refused."""
    plain = tmp_path / "plain"
    plain.write_text("mine")
    with safe_files.open_own(plain) as file:
        assert file.read() == b"mine"
    for plant in (link, fifo, folder):
        path = tmp_path / plant.__name__
        plant(path, plain)
        with pytest.raises(OSError):  # noqa: PT011  # which one depends on what it is
            safe_files.open_own(path)
        with pytest.raises(FileExistsError):
            safe_files.create(path)
    dangling(tmp_path / "dangling", plain)
    with pytest.raises(FileExistsError):
        safe_files.create(tmp_path / "dangling")
