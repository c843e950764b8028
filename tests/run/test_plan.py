"""Planning: which files are converted, and to which names."""

import os
from pathlib import Path

import pytest
from clips import make_files

from cartoonize import MediaError
from cartoonize.run.file_jobs import Job, create_folder
from cartoonize.run.plan import PICTURES, is_output_folder, is_single_job, plan_jobs, single_job, videos

VIDEOS = videos()


def planned(*sources, to="out", kind=VIDEOS):
    """The planned sources and targets, with slashes."""
    jobs = plan_jobs([Path(source) for source in sources], Path(to), kind).jobs
    return [(job.source.as_posix(), job.target.as_posix()) for job in jobs]


def test_a_folder_keeps_its_structure(workdir):
    """All files of the kind in a folder are converted, in natural order, and subfolders are kept."""
    make_files(
        "clips/take 10.mp4", "clips/take 2.mp4", "clips/b/deep/one.MKV", "clips/cat.gif", "clips/notes.txt"
    )
    make_files("clips/photo.jpg", "clips/b/photo.jpg")
    assert planned("clips") == [
        ("clips/cat.gif", "out/cat.gif"),
        ("clips/take 2.mp4", "out/take 2.mp4"),
        ("clips/take 10.mp4", "out/take 10.mp4"),
        ("clips/b/deep/one.MKV", "out/b/deep/one.MKV"),
    ]
    assert planned("clips", kind=PICTURES) == [
        ("clips/photo.jpg", "out/photo.jpg"),
        ("clips/b/photo.jpg", "out/b/photo.jpg"),
    ]


def test_hidden_and_unfinished_files_are_skipped(workdir):
    """Unfinished downloads, hidden files and hidden folders are no sources."""
    make_files("in/a.mp4.part", "in/b.mp4.crdownload", "in/c.tmp", "in/.d.mp4", "in/.e.mp4.cartoonize/e.mp4")
    make_files("in/f.mp4.download/f.mp4", "in/g.mp4")
    assert planned("in") == planned("in/**/*.mp4") == [("in/g.mp4", "out/g.mp4")]


def test_patterns_are_expanded(workdir):
    """A pattern that no shell expanded names the same files; folders below its fixed part stay."""
    make_files("clips/a/one.mp4", "clips/b/one.mp4", "clips/b/one.srt", "clips/two.mp4", "clips/[1].mp4")
    deep = [("clips/a/one.mp4", "out/a/one.mp4"), ("clips/b/one.mp4", "out/b/one.mp4")]
    assert planned("clips/*/one.mp4") == planned("clips/*/*") == planned("clips/?") == deep
    assert planned("clips/**/t*.mp4") == [("clips/two.mp4", "out/two.mp4")]
    assert planned("clips/[1].mp4") == [("clips/[1].mp4", "out/[1].mp4")]  # there is such a file
    make_files("old [2019]/a.mp4")
    assert planned("old [2019]/*.mp4") == [("old [2019]/a.mp4", "out/a.mp4")]


def test_a_pattern_may_name_any_suffix(workdir):
    """A pattern may name files that a folder is not searched for."""
    make_files("stickers/cat.webp", "stickers/dog.webp")
    assert len(planned("stickers/*.webp")) == 2
    with pytest.raises(MediaError, match="no video in the folder stickers"):
        planned("stickers")


@pytest.mark.parametrize(
    ("source", "container", "name"),
    [
        ("a.mp4", None, "a.mp4"),
        ("a.MOV", None, "a.MOV"),
        ("a.webm", None, "a.webm"),
        ("a.gif", None, "a.gif"),
        ("a.b.wmv", None, "a.b.mkv"),
        ("a.vob", None, "a.mkv"),
        ("a.mts", None, "a.mkv"),
        ("a.h264", None, "a.mkv"),
        ("a.avi", "mp4", "a.mp4"),
        ("a.mp4", "matroska", "a.mkv"),
        ("a.mp4", "ts", "a.ts"),
        ("a.mp4", "mpegts", "a.ts"),
        ("a.mp4", "y4m", "a.y4m"),
        ("a.mp4", "mxf", "a.mxf"),
        ("a.gif", "apng", "a.png"),
    ],
)
def test_a_name_is_kept_if_possible(workdir, source, container, name):
    """A suffix that can be written is kept; others become .mkv, which holds nearly everything."""
    make_files(source)
    assert planned(source, to="out", kind=videos(container)) == [(source, f"out/{name}")]


def test_outputs_are_never_sources(workdir):
    """The output folder may be inside the source folder: its files are no sources."""
    make_files("clips/one.mp4", "clips/b/two.mp4", "clips/out/one.mp4", "clips/out/b/two.mp4")
    sources = ["clips/one.mp4", "clips/b/two.mp4"]
    assert [source for source, _ in planned("clips", to="clips/out")] == sources
    assert sorted(source for source, _ in planned("**/*.mp4", to="clips/out")) == sorted(sources)
    assert [source for source, _ in planned("clips/out", to="clips/out/again")] == [
        "clips/out/one.mp4", "clips/out/b/two.mp4",
    ]  # fmt: skip


def test_two_sources_never_share_an_output(workdir):
    """If two sources have the same output, also without regard to case, nothing is converted."""
    make_files("a/x.mp4", "b/x.mp4", "c/X.mp4", "d/y.wmv", "d/y.mkv")
    for sources in (["a/x.mp4", "b/x.mp4"], ["a", "b"], ["a", "c"], ["d"]):
        with pytest.raises(MediaError, match="would both become"):
            planned(*sources)


def test_no_output_replaces_a_source(workdir):
    """No output replaces a source, even with --overwrite: that may not have been converted yet."""
    make_files("films/x.mp4", "films/raw/x.mp4", "new/raw/x.mp4")
    for sources in (["films"], ["films/*.mp4"], ["films/raw/x.mp4", "new"]):
        with pytest.raises(MediaError, match=r"is a source itself|would both become"):
            planned(*sources, to="films")
    assert planned("films/raw", to="films") == [("films/raw/x.mp4", "films/x.mp4")]


def test_a_file_named_twice_is_converted_once(workdir):
    """A file named by itself, by its folder and by a pattern is one source."""
    make_files("clips/one.mp4")
    assert planned("clips/one.mp4", "clips", "clips/*.mp4") == [("clips/one.mp4", "out/one.mp4")]


def test_a_missing_source_is_refused_alone(workdir):
    """A source that is missing or holds no video is refused; the others are converted."""
    make_files("one.mp4", "texts/a.txt")
    plan = plan_jobs([Path("one.mp4"), Path("gone.mp4"), Path("texts"), Path("x*.mp4")], Path("out"), VIDEOS)
    assert [job.source for job in plan.jobs] == [Path("one.mp4")]
    assert [str(error) for _, error in plan.refused] == [
        "There is no file or folder gone.mp4. Did you mean one.mp4?",
        "There is no video in the folder texts.",
        "Nothing matches the pattern x*.mp4.",
    ]


@pytest.mark.parametrize("target", ["out", "out.mp4"])
@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("x*.mp4", r"Nothing matches the pattern x\*\.mp4\.$"),
        ("gone/*.mp4", r"Nothing matches the pattern gone/\*\.mp4: there is no folder gone\.$"),
        ("texts/*", r"No video matches the pattern texts/\*, but files of other kinds do\.$"),
    ],
)
def test_a_pattern_without_a_match_says_so(workdir, pattern, message, target):
    """The error about a pattern without matches names the pattern, for any output."""
    make_files("one.mov", "texts/a.txt")
    with pytest.raises(MediaError, match=message):
        planned(pattern, to=target)


def test_a_folder_that_cannot_be_read_is_refused_alone(workdir):
    """Files beside a folder without permission are converted."""
    make_files("clips/one.mp4", "clips/locked/two.mp4")
    locked = Path("clips/locked")
    locked.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read everything")
        plan = plan_jobs([Path("clips")], Path("out"), VIDEOS)
    finally:
        locked.chmod(0o755)
    assert [job.source for job in plan.jobs] == [Path("clips/one.mp4")]
    assert "Cannot read the folder" in str(plan.refused[0][1])


@pytest.mark.parametrize(
    ("sources", "target", "alone"),
    [
        (["a.mp4"], "out.mp4", True),
        (["a.mp4"], "there", True),  # numbered pictures
        (["a.mp4"], "frames/%05d.png", True),
        (["-"], "-", True),
        (["stills"], "out.mp4", True),
        (["stills"], "there", True),
        (["both"], "out.mp4", True),
        (["both"], "frames/%05d.png", True),
        (["gone.mp4"], "out.mp4", True),
        (["films"], "there", False),
        (["films"], "new", False),
        (["both"], "new", False),
        (["*.mp4"], "there", False),
        (["a.mp4", "b.mp4"], "new", False),
        (["a.mp4", "both"], "new", False),
    ],
)
def test_one_source_is_one_video_or_many(workdir, sources, target, alone):
    """A file, standard input and a folder of pictures are one video each; a folder of videos is many."""
    make_files("stills/1.png", "films/sub/a.mp4", "both/a.mp4", "there/x.txt", "a.mp4")
    make_files(*(f"both/{number}.png" for number in range(1, 4)))
    assert is_single_job([Path(source) for source in sources], Path(target), VIDEOS) is alone


@pytest.mark.parametrize(
    "names",
    [
        ["beach.jpg", "cat.jpg"],
        ["1.jpg", "2.jpg"],
        ["IMG_2031.jpg", "IMG_2032.jpg", "IMG_2033.jpg"],
        ["1.jpg", "2.jpg", "4.jpg"],
        ["a1.jpg", "b2.jpg", "c3.jpg"],
    ],
)
def test_photos_beside_videos_are_no_frames(workdir, names):
    """A folder of videos and some photos, and a file as OUTPUT, are refused: the message names both ways out.
    An output of an earlier run in that folder is no such video."""
    make_files(*(f"in/{name}" for name in names), "in/new.mp4")
    assert is_single_job([Path("in")], Path("in/new.mp4"), VIDEOS)
    make_files("in/trip/clip.mov")
    with pytest.raises(
        MediaError, match=r"in holds pictures, and videos such as .*: name a folder .* add --fps 25"
    ):
        is_single_job([Path("in")], Path("in/new.mp4"), VIDEOS)


@pytest.mark.parametrize("target", ["out.mp4", "out"])
def test_a_folder_without_anything_to_convert_says_so(workdir, target):
    """For any OUTPUT, the message says that the folder has neither videos nor pictures."""
    make_files("in/notes.txt")
    with pytest.raises(MediaError, match="neither a video nor a picture in the folder in"):
        is_single_job([Path("in")], Path(target), VIDEOS)


def test_a_dash_is_never_a_folder(workdir):
    """- is standard input or output, even if a folder has this name."""
    make_files("-/1.png", "-/a.mp4", "a.mp4")
    dash, video = Path("-"), Path("a.mp4")
    assert is_single_job([dash], Path("new"), VIDEOS)
    assert not is_output_folder(dash, VIDEOS)
    assert single_job(video, dash, VIDEOS, target_is_folder=False) == Job(video, dash)


def test_a_name_from_an_address_has_no_secrets():
    """The name in the folder is the last part of the address, without what follows the question mark."""
    source = Path("https://example.org/films/a.mp4?signature=secret")
    job = single_job(source, Path("out"), VIDEOS, target_is_folder=True)
    assert job.target == Path("out/a.mp4")
    assert plan_jobs([source, Path("s3://films/b.mp4")], Path("out"), VIDEOS).jobs == [
        job,
        Job(Path("s3://films/b.mp4"), Path("out/b.mp4")),
    ]


def test_the_folder_of_an_address_on_this_machine(workdir):
    """The folder of file:///... is created where the address says, and nothing beside it."""
    with create_folder(Path(f"file://{workdir}/new/a.mp4")):
        assert [path.name for path in workdir.iterdir()] == ["new"]


def test_a_target_in_an_object_store_needs_no_folder(workdir):
    """Nothing is created on this machine for a target in an object store."""
    with create_folder(Path("s3://films/new/a.mp4")):
        assert not list(workdir.iterdir())
