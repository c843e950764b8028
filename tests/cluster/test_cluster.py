"""A video on many machines: real workers of a real cluster, whose nodes all run on this machine."""

import json
import os
import signal
import subprocess
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from threading import Event, Thread

import av
import numpy as np
import pytest
from clips import BEATS, Clip, all_packets, extract_h264, read_clip, remux
from processes import run_program, start_program, wait_until

pytest.importorskip("ray", reason="needs the extra `cluster`")

import ray
from ray.cluster_utils import Cluster as Machines

from cartoonize import Encoding, Look, stylize
from cartoonize.cluster import range_tasks, scheduler
from cartoonize.cluster.batch import convert_batch, read_manifest
from cartoonize.cluster.connection import connect
from cartoonize.cluster.jobs import VideoJob, convert_job
from cartoonize.cluster.planning import frame_times
from cartoonize.core.errors import BackendError, ClusterError, DamageError
from cartoonize.media.writing.video_sink import VideoSink
from cartoonize.run.report import FilesReport

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_segments")]
SLOWLY = Encoding(preset="slower")  # so that there is time to break something


@pytest.fixture(scope="module")
def machines(store):
    """A head that converts nothing, and two nodes of one core each, all of them separate processes."""
    nothing = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 << 20}
    cluster = Machines(initialize_head=True, head_node_args=nothing)
    for _ in range(2):
        cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def cluster(machines):
    while len(machines.worker_nodes) < 2:  # one that an earlier test has killed
        machines.add_node(num_cpus=1, object_store_memory=80 << 20)
    with connect(machines.address, "auto") as joined:
        yield joined


def watch(on_frame=None):
    return lambda _label, _total: nullcontext(on_frame or (lambda _frames: None))


def workers(task):
    """The processes that run a task of that name, by the titles that Ray gives them."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if title.startswith(f"ray::{task}"):
            yield int(folder.name)


def once(action):
    """An `on_frame` that does something once the first frames are finished."""
    done = []

    def on_frame(frames):
        if frames and not done:
            done.append(frames)
            action()

    return on_frame


def test_the_result_is_that_of_one_machine(cluster, tmp_path, tiny_style):
    """All frames and packets are the same, for a clip with sound, irregular times, and a network."""
    clip = Clip(times=BEATS[:240], tones=[440, 660], options={"bf": "3", "g": "50"})
    source = clip.write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", str(tiny_style))
    report = convert_job(cluster, VideoJob(source, tmp_path / "many.mp4", str(tiny_style)), watch())
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")
    assert read_clip(tmp_path / "one.mp4").seconds == read_clip(tmp_path / "many.mp4").seconds
    assert (report.frames, report.resumed, report.retries, report.notices) == (240, 0, 0, [])
    assert sum(node["frames"] for node in report.nodes.values()) == 240
    assert all(node["fps"] > 0 for node in report.nodes.values())
    assert not list(tmp_path.glob(".*"))


def test_held_drawings_are_those_of_one_machine(cluster, tmp_path, tiny_style):
    """On twos the workers skip the frames that one machine skips, also at a variable rate and at cuts."""
    images = [np.full((48, 64, 3), 60 + n % 7 + 90 * (n // 37 % 2), np.uint8) for n in range(240)]
    source = Clip(times=BEATS[:240], images=images).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", str(tiny_style), hold=2)
    job = VideoJob(source, tmp_path / "many.mp4", str(tiny_style), look=Look(hold=2))
    report = convert_job(cluster, job, watch())
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")
    assert report.hold == 2


def test_a_style_of_two_files(cluster, tmp_path, tiny_param):
    """Workers get the weights of an ncnn file, too."""
    source = Clip(times=range(48)).write(tmp_path / "in.mp4")
    report = convert_job(cluster, VideoJob(source, tmp_path / "out.mp4", str(tiny_param)), watch())
    assert (report.frames, report.backend) == (48, "ncnn")


def test_a_style_that_workers_cannot_load_is_named(cluster, tmp_path):
    """The error of a worker names the style, not the copies of its files on that node."""
    source = Clip(times=range(48)).write(tmp_path / "in.mp4")
    job = VideoJob(source, tmp_path / "out.mp4", "pepper-hq", precision="int8")
    with pytest.raises(BackendError, match=r"export-onnx pepper-hq pepper-hq\.int8\.onnx"):
        convert_job(cluster, job, watch())


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mkv", "libx265"), (".webm", "libvpx-vp9"), (".mov", "prores_ks"), (".ts", "libx264")],
)
def test_all_kinds_of_files(cluster, tmp_path, suffix, codec):
    """With other encoders and containers, for a part, and for a clock that does not start at zero, the result
    is that of one machine."""
    source = Clip(times=range(240), tones=[440], options={"g": "70", "bf": "2"}).write(tmp_path / "in.ts")
    options = {"encoding": Encoding(codec=codec), "start": 1.1, "end": 8.3}
    stylize(source, tmp_path / f"one{suffix}", "null", **options)
    convert_job(cluster, VideoJob(source, tmp_path / f"many{suffix}", "null", **options), watch())
    assert all_packets(tmp_path / f"one{suffix}") == all_packets(tmp_path / f"many{suffix}")


def test_a_worker_is_killed(cluster, tmp_path):
    """If a worker is killed, another converts its segments, and the result is the same."""
    source = Clip(size=(320, 240), times=range(480), tones=[440]).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", "null", encoding=SLOWLY)
    killed = []

    def kill():
        killed.extend(list(workers("in.mp4"))[:1])
        os.kill(killed[0], signal.SIGKILL)

    job = VideoJob(source, tmp_path / "many.mp4", "null", encoding=SLOWLY)
    report = convert_job(cluster, job, watch(once(kill)))
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")
    assert killed
    assert report.retries == 1
    assert sum(node["frames"] for node in report.nodes.values()) == report.frames == 480  # none of them twice


def test_a_node_dies(cluster, machines, tmp_path):
    """If a node dies, the other nodes convert its segments, and the result is the same."""
    slowly = Encoding(preset="veryslow")  # so that both are at work for some seconds
    source = Clip(size=(640, 360), times=range(480), tones=[440]).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", "null", encoding=slowly)
    job = VideoJob(source, tmp_path / "many.mp4", "null", encoding=slowly)

    def die():
        deadline = time.monotonic() + 30
        while len(list(workers("in.mp4"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        machines.remove_node(next(iter(machines.worker_nodes)), allow_graceful=False)

    report = convert_job(cluster, job, watch(once(die)))
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")
    assert report.frames == 480
    assert len(machines.worker_nodes) == 1  # whether it had work in hand is a matter of milliseconds


def test_a_worker_hangs(cluster, tmp_path, monkeypatch):
    """If a worker neither works nor ends, another node converts its segments, and a notice names the node."""
    source = Clip(size=(320, 240), times=range(480), tones=[440]).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", "null", encoding=SLOWLY)
    monkeypatch.setattr(range_tasks, "SILENCE", 5.0)
    hung = []

    def hang():
        hung.extend(list(workers("in.mp4"))[:1])
        os.kill(hung[0], signal.SIGSTOP)

    job = VideoJob(source, tmp_path / "many.mp4", "null", encoding=SLOWLY)
    try:
        report = convert_job(cluster, job, watch(once(hang)))
    finally:
        for worker in hung:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")
    assert any("shown no sign of life" in notice for notice in report.notices)


def test_a_node_sends_a_damaged_segment(cluster, tmp_path, monkeypatch):
    """If a node sends a damaged segment, the other node converts it again, and the result is the same."""
    source = Clip(times=range(240)).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", "null")
    damaged = []

    def add_finished(sink, segment, data):
        if not damaged:
            damaged.append(segment)
            data = data[:-100]
        return kept(sink, segment, data)

    kept = VideoSink.add_finished
    monkeypatch.setattr(VideoSink, "add_finished", add_finished)
    report = convert_job(cluster, VideoJob(source, tmp_path / "many.mp4", "null"), watch())
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")
    assert any("was left out" in notice and "damaged" in notice for notice in report.notices)


def test_the_driver_is_killed(cluster, machines, tmp_path):
    """If the driver is killed, the same command resumes, and converts no finished segment again."""
    source = Clip(size=(320, 240), times=range(1200), tones=[440]).write(tmp_path / "in.mp4")
    target = tmp_path / "many.mp4"
    options = ("--style", "null", "--preset", "slower", "--json")
    words = ("video", source, target, *options, "--cluster", machines.address)
    folder = tmp_path / ".many.mp4.cartoonize"
    driver = start_program(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: list(folder.glob("segment-*")), driver)
    driver.kill()
    driver.wait()
    kept = len(list(folder.glob("segment-*")))
    done = run_program(*words)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["resumed"] == 120 * kept > 0
    assert sum(node["frames"] for node in report["nodes"].values()) == 1200 - report["resumed"]
    done = run_program("video", source, tmp_path / "one.mp4", *options)
    assert done.returncode == 0, done.stderr
    assert all_packets(tmp_path / "one.mp4") == all_packets(target)


def test_one_machine_resumes_alone(cluster, tmp_path):
    """A run that a cluster began is resumed on one machine."""
    source = Clip(times=BEATS[:240], tones=[440]).write(tmp_path / "in.mp4")
    stylize(source, tmp_path / "one.mp4", "null")

    def stopped(frames):
        if frames >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_job(cluster, VideoJob(source, tmp_path / "many.mp4", "null"), watch(stopped))
    stylize(source, tmp_path / "many.mp4", "null")
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")


def test_memory_runs_out_again_and_again(cluster, tmp_path, monkeypatch):
    """If worker after worker dies over one segment, the job ends with a sentence; finished segments are
    kept."""
    # Long enough for its workers to be killed twice, on a busy machine too.
    source = Clip(size=(320, 240), times=range(960)).write(tmp_path / "in.mp4")
    monkeypatch.setattr(scheduler, "ATTEMPTS", 2)
    over = Event()

    def kill_all():
        while not over.wait(0.02):
            for number in workers("in.mp4"):
                os.kill(number, signal.SIGKILL)

    killer = Thread(target=kill_all)
    job = VideoJob(source, tmp_path / "many.mp4", "null", encoding=SLOWLY)
    try:
        with pytest.raises(ClusterError, match="2 workers died"):
            convert_job(cluster, job, watch(once(killer.start)))
    finally:
        over.set()
        killer.join()
    report = convert_job(cluster, job, watch())
    assert report.resumed > 0


@pytest.mark.parametrize("wrong", ["misplaced", "missing", "unknown"])
def test_wrong_times_do_no_harm(cluster, tmp_path, monkeypatch, wrong):
    """If the packets' times are wrong or missing, the result is the same, and a notice says so."""
    source = Clip(times=range(0, 480, 2)).write(tmp_path / "in.mkv")
    stylize(source, tmp_path / "one.mp4", "null")

    def guessed(opened):
        times = frame_times(opened)
        return {"misplaced": times[3:], "missing": times[:1] + times[:-1], "unknown": None}[wrong]

    monkeypatch.setattr(scheduler, "frame_times", guessed)
    report = convert_job(cluster, VideoJob(source, tmp_path / "many.mp4", "null"), watch())
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")
    assert any("in order" in notice for notice in report.notices)


def test_a_raw_stream(cluster, tmp_path):
    """A video without times is not divided: one worker converts it, in order."""
    Clip(times=range(100)).write(tmp_path / "in.mp4")
    extract_h264(tmp_path / "in.mp4", tmp_path / "in.h264")
    stylize(tmp_path / "in.h264", tmp_path / "one.mp4", "null")
    convert_job(cluster, VideoJob(tmp_path / "in.h264", tmp_path / "many.mp4", "null"), watch())
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "many.mp4")


def damaged(path, *places):
    """A clip in which some packets of the picture are noise."""
    Clip(times=range(240), options={"crf": "10", "g": "30", "bf": "0"}).write(path)
    with av.open(path) as clip:
        packets = [(packet.pos, packet.size) for packet in clip.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for place in places:
        start, size = packets[place]
        data[start + 4 : start + size] = bytes(255 for _ in range(size - 4))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("places", [(100,), (30, 47, 200), (210,)])
def test_a_damaged_video(cluster, tmp_path, places):
    """The result of a damaged video is partial, with the same frames and notices as on one machine."""
    source = damaged(tmp_path / "in.mp4", *places)
    with pytest.raises(DamageError):
        stylize(source, tmp_path / "one.mp4", "null")
    report = convert_job(cluster, VideoJob(source, tmp_path / "many.mp4", "null"), watch())
    assert report.partial
    assert all_packets(tmp_path / "one.partial.mp4") == all_packets(tmp_path / "many.partial.mp4")
    one = stylize(source, tmp_path / "tolerated.mp4", "null", tolerate_errors=True)
    assert [notice for notice in report.notices if "damaged" in notice] == one.notices


def test_a_broken_container(cluster, tmp_path):
    """A file whose packets cannot all be found has the partial result that one machine writes."""
    whole = Clip(times=range(240), options={"g": "24"}).write(tmp_path / "in.mkv")
    source = remux(tmp_path / "in.mp4", whole, options={"movflags": "frag_keyframe+empty_moov"})
    data = source.read_bytes()
    header = [place for place in range(len(data)) if data[place : place + 4] == b"tfhd"][4]
    source.write_bytes(data[: header + 12] + b"\x7f" + data[header + 13 :])  # where the fragment's data are
    with pytest.raises(DamageError):
        stylize(source, tmp_path / "one.mp4", "null")
    report = convert_job(cluster, VideoJob(source, tmp_path / "many.mp4", "null"), watch())
    assert report.partial
    assert all_packets(tmp_path / "one.partial.mp4") == all_packets(tmp_path / "many.partial.mp4")


def test_an_animation_is_converted_here(cluster, tmp_path):
    """An animation has no segments; it is converted on this machine, and a notice says so."""
    source = Clip(times=range(30)).write(tmp_path / "in.mp4")
    report = convert_job(cluster, VideoJob(source, tmp_path / "out.gif", "null"), watch())
    assert report.frames == 30
    assert "on this machine alone" in report.notices[-1]


def test_segments_that_wait_are_bounded(cluster, tmp_path, monkeypatch):
    """Only a limited number of segments is converted ahead, so that memory and disk are bounded."""
    monkeypatch.setattr(scheduler, "MAX_SEGMENTS", 1)
    source = Clip(times=range(24 * 60)).write(tmp_path / "in.mp4")
    at_work, ahead = [], []
    real = scheduler.Scheduler._submit

    def submit(self):
        real(self)
        at_work.append(len(self._tasks._running))
        ahead.append(max(self._joiner.finished, default=0) - self._joiner.joined_frames)

    monkeypatch.setattr(scheduler.Scheduler, "_submit", submit)
    convert_job(cluster, VideoJob(source, tmp_path / "out.mp4", "null"), watch())
    room = range_tasks.QUEUED * 2
    assert max(at_work) == room
    assert max(ahead) <= 2 * room * 24


def test_from_store_to_store(cluster, store, tmp_path):
    """Workers read a video from an object store, and the driver uploads the result."""
    source = Clip(times=BEATS[:240], tones=[440]).write(tmp_path / "in.mp4")
    store.upload_file(str(source), "films", "many/in.mp4")
    stylize(source, tmp_path / "one.mp4", "null")
    job = VideoJob(Path("s3://films/many/in.mp4"), Path("s3://films/many/out.mp4"), "null")
    report = convert_job(cluster, job, watch())
    assert (report.output, report.frames) == ("s3://films/many/out.mp4", 240)
    store.download_file("films", "many/out.mp4", str(tmp_path / "two.mp4"))
    assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / "two.mp4")


def manifest(*lines):
    return read_manifest([f"{line}\n" for line in lines], "films.csv", VideoJob(Path(), Path(), "null"))


def test_a_batch(cluster, tmp_path):
    """A broken file is reported, and the others are converted; the same call again converts only what is
    left."""
    sources = [Clip(times=range(40 + 24 * n)).write(tmp_path / f"{n}.mp4") for n in range(3)]
    (tmp_path / "poison.mp4").write_bytes(b"no video at all" * 100)
    rows = [
        f"{path},{tmp_path}/drawn-{path.name},"
        for path in (*sources[:2], tmp_path / "poison.mp4", sources[2])
    ]
    lines = manifest("source,target,end", *rows[:-1], rows[-1] + "1.5")
    report = convert_batch(cluster, lines, FilesReport("films.csv", "null"), watch(), overwrite=False)
    assert [file.state for file in report.files] == ["converted", "converted", "failed", "converted"]
    assert report.files[2].error.startswith("line 4: ")
    assert "poison.mp4" in report.files[2].error
    assert (report.converted, report.failed, report.skipped) == (3, 1, 0)
    assert [file.frames for file in report.files] == [40, 64, 0, 36]
    assert report.frames == 140
    for number in range(2):
        stylize(sources[number], tmp_path / "one.mp4", "null", overwrite=True)
        assert all_packets(tmp_path / "one.mp4") == all_packets(tmp_path / f"drawn-{number}.mp4")
    again = convert_batch(cluster, lines, FilesReport("films.csv", "null"), watch(), overwrite=False)
    assert [file.state for file in again.files] == ["skipped", "skipped", "failed", "skipped"]


def test_a_batch_from_the_command_line(cluster, machines, tmp_path, run):
    """A batch is one command with one exit code, and lists its notes and what failed."""
    Clip(times=range(30)).write(tmp_path / "in.mp4")
    ray.shutdown()  # the command joins by itself
    table = tmp_path / "films.csv"
    table.write_text(
        f"source,target\n{tmp_path}/in.mp4,{tmp_path}/out.mp4\n{tmp_path}/no.mp4,{tmp_path}/no2.mp4\n"
        f"{tmp_path}/in.mp4,{tmp_path}/out.gif\n"
    )
    code, out, messages = run("batch", table, "--style", "null", "--cluster", machines.address, "--json")
    assert code == 1
    assert json.loads(out)["files"][0]["frames"] == 30
    assert "1 of 3 videos failed" in messages
    assert "in.mp4 was converted on this machine alone" in messages
    assert "line 3: There is no file" in messages
    assert read_clip(tmp_path / "out.mp4").times == read_clip(tmp_path / "in.mp4").times


def test_ray_chooses_the_gpus(machines):
    """A device that no node has is refused, and so is a number of a GPU, as Ray chooses it."""
    ray.shutdown()
    for device, word in (("cuda", "No node of the cluster has a GPU"), ("cuda:1", "Ray chooses")):
        with pytest.raises(BackendError, match=word), connect(machines.address, device):
            pass
