"""How videos are divided and manifests are read; both need no cluster."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from clips import Clip

pytest.importorskip("ray", reason="needs the extra `cluster`")

from cartoonize import Encoding
from cartoonize.cluster.batch import read_manifest
from cartoonize.cluster.connection import connect
from cartoonize.cluster.jobs import VideoJob
from cartoonize.cluster.planning import frame_ranges, frame_times
from cartoonize.cluster.range_tasks import RunningRange
from cartoonize.cluster.scheduler import Scheduler
from cartoonize.cluster.video_job import reason_not_to_divide
from cartoonize.cluster.worker import FinishedSegment, WorkerBackend, check_backend
from cartoonize.core.errors import CartoonizeError, ClusterError
from cartoonize.media import Segment, VideoSource, open_sink
from cartoonize.media.remote import Url
from cartoonize.run.frame_range import FrameRange

MARK = {"pts": 47, "crc": 1, "packets": 0, "frames": 0}
DEFAULTS = VideoJob(Path(), Path(), "null", encoding=Encoding(crf=20))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray://127.0.0.1:10001", "for Ray's clients"),
        ("127.0.0.1:9", "no cluster at 127.0.0.1:9"),
        ("somewhere", "no cluster at somewhere"),
    ],
)
def test_a_wrong_address_is_a_sentence(address, message):
    """It is reported at once, not after the minutes for which Ray would wait."""
    with pytest.raises(ClusterError, match=message), connect(address, "auto"):
        pass


def refuse(*_):
    raise ValueError("damaged")


@pytest.mark.parametrize(
    ("first", "frames", "keep"),
    [(0, 24, refuse), (24, 24, print), (0, 25, print)],
    ids=["cut", "twice", "long"],
)
def test_a_wrong_segment_ends_the_job(first, frames, keep):
    """If a node sends a damaged segment, one of other frames, or a longer one, the error names the node."""
    source = SimpleNamespace(path=Url("s3://films/in.mp4?signature=1"))
    sink = SimpleNamespace(finished={}, add_finished=keep)
    scheduler = Scheduler(None, source, sink, SimpleNamespace(segment=24), None, None)
    segment = Segment(first, frames, None, MARK, 0, 23)
    result = FinishedSegment(segment, b"", "node-1", {"packets": 0, "frames": 0})
    with pytest.raises(
        ClusterError, match=r"node-1 sent a damaged or wrong .* in.mp4\?\*\*\*: segments 0 to 1"
    ):
        scheduler._keep_segment(RunningRange(FrameRange(0, 48)), result)


def manifest(*lines):
    return read_manifest([f"{line}\n" for line in lines], "films.csv", DEFAULTS)


@pytest.mark.parametrize("part", [{}, {"start": 1.0}, {"start": 1.0, "end": 3.0}])
def test_packets_tell_the_times_of_frames(tmp_path, part):
    """The times are in order of presentation, for any order in the file. A range has only its own times."""
    times = [2 * n + n // 7 for n in range(100)]
    source = Clip(times=times, options={"bf": "3"}).write(tmp_path / "in.mp4")
    with VideoSource(source, **part) as video:
        times = frame_times(video)
        assert list(times) == [frame.pts for frame in video]


def test_a_video_is_divided():
    """Ranges are whole segments; each but the first names the frame before it, the last has no end."""
    assert list(frame_ranges(range(0, 200, 2), 24, 2, {})) == [
        FrameRange(0, 48),
        FrameRange(48, 96, pts=94),
        FrameRange(96, None, pts=190),
    ]


def test_what_is_finished_is_not_divided_again():
    """Ranges cover the missing frames. After a finished segment, they begin at a known frame."""
    finished = {24: Segment(24, 24, MARK, MARK, 24, 47)}
    assert list(frame_ranges(range(100), 24, 8, finished)) == [
        FrameRange(0, 24),
        FrameRange(48, None, mark=MARK, last=47),
    ]


def test_what_cannot_be_divided(tmp_path):
    """Animations are written as a whole; videos are divided."""
    source = Clip().write(tmp_path / "in.mp4")
    with VideoSource(source) as video:
        for name, divided in (("out.mp4", True), ("out.gif", False)):
            sink = open_sink(tmp_path / name, video)
            assert (reason_not_to_divide(video, sink) is None) == divided


def test_a_manifest():
    """Each line is a job; an empty cell takes the value of the options."""
    one, two = manifest(
        "source,target,style,start,crf", "a.mp4,b.mp4,,,", "s3://films/c.mp4, d.mp4 ,ink,1.5,30"
    )
    assert (one.number, one.job) == (2, replace(DEFAULTS, source=Path("a.mp4"), target=Path("b.mp4")))
    assert two.job == replace(
        DEFAULTS,
        source=Url("s3://films/c.mp4"),
        target=Path("d.mp4"),
        style="ink",
        start=1.5,
        encoding=Encoding(crf=30),
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1: there is no column 'source'"),
        (["source,target"], "lists no video"),
        (["source,goal", "a,b"], "line 1: there is no column 'target'"),
        (["source,target,colour", "a,b,c"], "line 1: 'colour' is not a column"),
        (["source,target", "a,b", "c,"], "line 3: there is no target"),
        (["source,target", "a,b,c"], "line 2: there are more cells than columns"),
        (["source,target,crf", "a,b,low"], "line 2: the crf 'low' is not a number"),
        (["source,target", "a,b", "c,b"], "line 3: b is the target of line 2 already"),
        (["source,target", "a,b", "c,x/../b"], "line 3: x/../b is the target of line 2 already"),
        (["source,target", "a,b.mp4", "c,./B.MP4"], "line 3: B.MP4 is the target of line 2 already"),
        (["source,target", "a,b", "c,x/../a"], "line 3: x/../a is the source of line 2"),
        (["source,target,style", "a,b,ink", "c,d,inc"], "line 3: There is no style 'inc'.* Did you mean ink"),
        (["source,target", "a,b.mp3"], "line 2: b.mp3 cannot be written: mp3 files hold no video"),
        (["source,target", 'a,"b'], "line 2: unexpected end of data"),
    ],
)
def test_a_mistake_in_a_manifest_is_named(lines, message):
    """The error names the line, before any work begins: a file under two names and a misspelt style too."""
    with pytest.raises(CartoonizeError, match=f"films.csv.*{message}"):
        manifest(*lines)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"device": "another GPU"}, None),
        ({"version": "9.9"}, "node-b has cartoonize 9.9, and other nodes 0.2"),
        ({"precision": "fp32"}, "draws with onnxruntime in fp32, and other nodes with onnxruntime in int8"),
        ({"runtime": "pytorch"}, "the look would change in the video. Name a --precision"),
    ],
)
def test_nodes_that_draw_differently_are_refused(change, message):
    """A node with another version, runtime or precision converts no part of a video; other GPUs may."""
    first = WorkerBackend("0.2", [], "onnxruntime", "cpu", "int8", 4, [])
    if message is None:
        check_backend(first, replace(first, **change), "node-b")
        return
    with pytest.raises(ClusterError, match=re.escape(message)):
        check_backend(first, replace(first, **change), "node-b")
