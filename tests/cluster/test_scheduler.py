"""How videos are divided and manifests are read; both need no cluster."""

import re
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from clips import Clip

pytest.importorskip("ray", reason="needs the extra `cluster`")

from cartoonize import Encoding
from cartoonize.cluster import connection
from cartoonize.cluster.batch import read_manifest
from cartoonize.cluster.connection import connect
from cartoonize.cluster.head import PATIENCE, Head
from cartoonize.cluster.jobs import VideoJob
from cartoonize.cluster.planning import frame_ranges, frame_times
from cartoonize.cluster.range_tasks import SILENCE, HangError, RunningRange
from cartoonize.cluster.scheduler import Scheduler
from cartoonize.cluster.video_job import reason_not_to_divide
from cartoonize.cluster.worker import FinishedSegment, Node, WorkerBackend, check_backend
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
    """A wrong address is reported at once, not after the minutes for which Ray would wait."""
    with pytest.raises(ClusterError, match=message), connect(address, "auto"):
        pass


def test_a_cluster_that_is_gone_is_not_waited_for(tmp_path, monkeypatch):
    """After a cluster was killed, `auto` starts another one at once."""
    began = []
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.init", lambda address, **_: began.append(address))
    (tmp_path / "ray").mkdir()
    for address in (None, "127.0.0.1:9"):
        if address:
            (tmp_path / "ray" / "ray_current_cluster").write_text(address)
        connection._start("auto")
    assert began == ["auto", "local"]


def test_a_cluster_that_does_not_start_is_a_sentence(monkeypatch):
    """On a machine with no time left Ray gives up by an exception of no kind of its own."""

    def give_up(*_, **__):
        raise Exception("The current node timed out during startup.")  # as Ray does

    monkeypatch.setattr("ray.init", give_up)
    with pytest.raises(ClusterError, match=r"no answer from the cluster .*timed out"), connect("auto", "cpu"):
        pass


def refuse(*_):
    raise ValueError("damaged")


@pytest.fixture
def waiting(monkeypatch):
    """A scheduler of segments of 24 frames, whose cluster has two nodes; no range runs."""
    monkeypatch.setattr("ray.wait", lambda *_, **__: ([], []))
    source = SimpleNamespace(path=Url("s3://films/in.mp4?signature=1"))
    sink = SimpleNamespace(finished={}, add_finished=print)
    head = SimpleNamespace(answers=lambda: True, check=lambda: None)
    cluster = SimpleNamespace(head=head, nodes=lambda: {"1", "2"}, slots=lambda: 2)
    return Scheduler(cluster, source, sink, SimpleNamespace(segment=24), None, None)


def running_on(node):
    return RunningRange(FrameRange(0, 48), node=Node(node, f"node-{node}"), last_sign=0.0)


@pytest.mark.parametrize(
    ("first", "frames", "keep"),
    [(0, 24, refuse), (24, 24, print), (0, 25, print)],
    ids=["cut", "twice", "long"],
)
def test_a_wrong_segment_is_converted_elsewhere(waiting, first, frames, keep):
    """If a node sends a damaged segment, one of other frames, or a longer one, another node converts it.

    A notice names the node. If the other node sends a wrong one too, the job ends.
    """
    waiting._joiner._sink.add_finished = keep
    segment = Segment(first, frames, None, MARK, 0, 23)
    for node in "12":
        running = running_on(node)
        result = FinishedSegment(segment, b"", running.node, {"packets": 0, "frames": 0})
        wrong = rf"node-{node} sent a damaged or wrong .* in.mp4\?\*\*\*: segments 0 to 1"
        if node == "1":
            waiting._handle(running, result)
            assert waiting._tasks.remaining() == [FrameRange(0, 48)]
            assert re.search("node-1 was left out.*" + wrong, waiting.notices[0])
            assert waiting.retries == 1
        else:
            with pytest.raises(ClusterError, match=wrong):
                waiting._handle(running, result)
    assert not waiting._joiner.finished


def test_an_error_of_the_only_node_ends_the_job(waiting):
    """If no other node is left, an error of a node is that of the job."""
    waiting._tasks._cluster.nodes = lambda: {"1"}
    with pytest.raises(ClusterError, match="no sign of life"):
        waiting._handle(running_on("1"), HangError("no sign of life"))


def test_a_worker_that_hangs_is_replaced(waiting, monkeypatch):
    """A range without a sign of life for ten minutes goes to another node; one that waits does not."""
    now = 10_000.0
    monkeypatch.setattr("cartoonize.cluster.range_tasks.time.monotonic", lambda: now)
    monkeypatch.setattr("ray.cancel", lambda *_, **__: None)
    hung, slow, queued = running_on("1"), running_on("2"), RunningRange(FrameRange(48, 96))
    hung.last_sign, slow.last_sign = now - SILENCE, now - SILENCE + 1
    waiting._tasks._running = {"a": hung, "b": slow, "c": queued}
    for running, result in waiting._tasks.receive():
        waiting._handle(running, result)
    assert list(waiting._tasks._running.values()) == [slow, queued]
    assert waiting._tasks.remaining()[0] == hung.range
    assert waiting._tasks._avoided == {"1"}
    assert "node-1 has shown no sign of life for 600 s at in.mp4?***: segments 0 to 1" in waiting.notices[0]


def test_a_lost_head_is_a_sentence(monkeypatch):
    """A head that does not answer for a while ends the job in order; one that is started again does not."""
    now = [1000.0]
    monkeypatch.setattr("cartoonize.cluster.head.time.monotonic", lambda: now[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        head = Head(f"127.0.0.1:{port}")
        now[0] += 100
        head.check()
    now[0] += PATIENCE
    head.check()
    assert not head.answers()
    now[0] += 10
    with pytest.raises(ClusterError, match=rf"127.0.0.1:{port}, does not answer.*start the cluster again"):
        head.check()


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


def test_each_line_of_a_manifest_is_a_job():
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
        (["source,target,end", "a,b,nan"], "line 2: the end 'nan' is not a number"),
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
