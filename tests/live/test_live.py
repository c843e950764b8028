"""Live conversion: in real time, the latest frame first, and recordings that are complete at the end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from itertools import count, islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Clip, names_in, read_clip
from PIL import ImageGrab, features
from processes import ACCEPT_SIGNALS, WAIT, command_line, environment, file_limit, start_program, wait_until
from servers import serve_folder

from cartoonize import Decoding, Frame, Look, load
from cartoonize.core.errors import BackendError, MediaError, ModelError, SourceError
from cartoonize.effects.effect import EffectChain
from cartoonize.live import LiveReport, LiveSource, NullSink, open_live_sink, resolve_source
from cartoonize.live import run as show
from cartoonize.live.conversion import _apply, _Drawing
from cartoonize.live.live_input import unblock_device
from cartoonize.media import VideoSource

PLAIN = Look(stabilize=False)
BARS = "lavfi:testsrc2=size=64x48:rate=30:duration="


class Negative:
    """A network whose drawings are known. `pause` is how long it takes for one."""

    runtime, device, precision, batch, reading = "negative", "none", "none", 1, ""

    def __init__(self, pause=0.0):
        self.pause, self.notices, self.calls = pause, [], 0

    def __call__(self, images):
        self.calls += 1
        time.sleep(self.pause)
        return 255 - images


def draw(source, sink, pause=0.0, timeout=10.0, network=None, ended=lambda _: False, **options):
    """Convert a source to its negatives, until `ended` says so; returns the report."""
    network = network or Negative(pause)
    with LiveSource(resolve_source(str(source)), timeout=timeout, **options) as pictures:
        target = open_live_sink(str(sink), pictures) if isinstance(sink, str | Path) else sink
        report = LiveReport(str(sink), "", str(source))
        return show(pictures, target, network, report, look=PLAIN, ended=ended)


def bars(seconds):
    """The frames of BARS, by plain PyAV."""
    with av.open(f"{BARS.removeprefix('lavfi:')}{seconds}", format="lavfi") as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def are_negatives(images, times, sources):
    """Whether pictures are the negatives of the sources at their times, except for coding errors."""
    errors = [
        np.abs(image.astype(int) - (255 - sources[round(t * 30)])).mean()
        for image, t in zip(images, times, strict=True)
    ]
    return max(errors) < 12


def rising(times):
    return all(later > earlier for earlier, later in pairwise(times))


def free_port():
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_source_is_drawn_in_real_time(tmp_path):
    """A source that FFmpeg makes at once is drawn in its own time; each recorded frame is the drawing of its
    moment."""
    began = time.monotonic()
    report = draw(f"{BARS}1.5", tmp_path / "out.mp4")
    seen = read_clip(tmp_path / "out.mp4")
    assert time.monotonic() - began > 1.3
    assert report.frames + report.dropped == 45
    assert len(seen.times) == report.frames > 0
    assert rising(seen.times)
    assert seen.times[-1] == pytest.approx(44 / 30, abs=0.002)
    assert are_negatives(seen.images, seen.times, bars(1.5))


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_drawings_are_held(tmp_path, pause):
    """With --on-threes, the network draws at most half of the frames; all that are not dropped are shown."""
    network = Negative(pause)
    with LiveSource(resolve_source(f"{BARS}2")) as pictures:
        sink = open_live_sink(str(tmp_path / "out.mp4"), pictures)
        look = Look(stabilize=False, hold=3)
        report = show(pictures, sink, network, LiveReport("out.mp4", ""), look=look)
    assert report.hold == 3
    assert report.frames + report.dropped == 60
    assert len(read_clip(tmp_path / "out.mp4").times) == report.frames
    assert 0 < network.calls <= 30  # 20 on an idle machine


@pytest.mark.parametrize(("detail", "advice"), [("normal", "A lower --detail"), ("full", "A lower --fps")])
def test_the_newest_frame_wins(detail, advice):
    """A network that is too slow draws the newest frame each time, and drops and counts the others.

    It is never far behind, where drawing all frames would end ten seconds late. The notice advises a lower
    --detail if there is one.
    """
    report = draw(f"{BARS}2", NullSink(), pause=0.2, decoding=Decoding(detail=detail))
    assert report.frames + report.dropped == 60
    assert report.dropped > report.frames > 0
    assert 200 <= report.latency["median"] <= report.latency["p95"] <= report.latency["max"]
    assert report.latency["p95"] < 5000
    assert (
        f"frames were dropped: this machine is too slow for 64x48 pixels in this style. {advice}"
        in (report.notices[0])
    )


def test_a_slow_sink_gets_the_newest_drawing():
    """If showing takes longer than drawing, drawings are dropped too, except for the last one."""
    times = []

    class SlowSink(NullSink):
        def write(self, frame):
            time.sleep(0.2)
            times.append(frame.time)

    report = draw(f"{BARS}1.5", SlowSink())
    assert report.dropped > report.frames
    assert report.latency["p95"] < 4000  # showing all would end seven seconds late
    assert times[-1] == pytest.approx(44 / 30, abs=0.002)


def test_a_file_is_played_in_real_time(tmp_path):
    """Frames of a file come when they are due, at a variable rate too, and are those of a VideoSource."""
    clip = Clip(times=[0, 2, 9, 10, 24], rotation=90).write(tmp_path / "in.mp4")
    with LiveSource(resolve_source(str(clip))) as live, VideoSource(clip) as video:
        began = time.monotonic()
        came = []
        frames = []
        for frame in live:
            came.append(time.monotonic() - began)
            frames.append(frame)
        expected = list(video)
    assert [frame.time for frame in frames] == pytest.approx([frame.time for frame in expected], abs=1e-4)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, expected, strict=True))
    assert all(at > frame.time - 0.1 for at, frame in zip(came, frames, strict=True))
    assert (live.video.width, live.video.height) == (48, 64)


def test_a_file_behind_an_address(tmp_path):
    """A file on a web server is played in real time, as a local file, not as fast as it arrives."""
    Clip(times=range(24)).write(tmp_path / "in.mp4")
    with serve_folder(tmp_path) as address:
        report = draw(f"{address}/in.mp4", NullSink())
    assert report.frames + report.dropped == 24
    assert report.seconds > 0.8


def test_a_lower_rate_is_kept():
    """`fps` draws no more frames a second, evenly; those left out do not count as dropped."""
    report = draw(f"{BARS}2", NullSink(), fps=Fraction(10))
    assert 18 <= report.frames + report.dropped <= 22


def test_a_smaller_size(tmp_path):
    """Frames larger than requested are reduced, in their proportions and colours. Others stay unchanged."""
    images = [np.full((720, 1280, 3), (200, 40, 60), np.uint8)] * 3
    clip = Clip(size=(1280, 720), times=range(3), images=images).write(tmp_path / "in.mp4")
    for limit, size in ((640, (640, 360)), (2000, (1280, 720))):
        draw(clip, tmp_path / "out.mp4", decoding=Decoding(max_size=limit))
        [first, *_] = read_clip(tmp_path / "out.mp4").images
        assert first.shape[1::-1] == size
        with VideoSource(clip) as source, VideoSource(tmp_path / "out.mp4") as drawn:
            before, after = next(iter(source)).image, next(iter(drawn)).image
        assert np.abs(255 - before[100, 100].astype(int) - after[100, 100]).max() <= 3
        (tmp_path / "out.mp4").unlink()


@contextmanager
def sent(url, seconds):
    """Drawings on their way to an address, while the block runs."""
    received = threading.Event()
    options = {"ended": lambda _: received.is_set()}
    thread = threading.Thread(target=draw, args=(f"{BARS}{seconds}", url), kwargs=options)
    thread.start()
    try:
        yield
    finally:
        received.set()
        thread.join()


def test_what_is_sent_can_be_received():
    """Any program can tune in to UDP while it is sent: it sees the drawings, in order."""
    address = f"udp://127.0.0.1:{free_port()}"
    with sent(address, 10), av.open(address, timeout=(10, 3)) as container:
        frames = list(islice(container.decode(video=0), 20))
    times = [frame.time for frame in frames]
    assert rising(times)
    [last] = frames[-1:]
    errors = [
        np.abs(255 - source.astype(int) - last.to_ndarray(format="rgb24")).mean() for source in bars(10)
    ]
    assert min(errors) < 12


@contextmanager
def sending(address, is_enough):
    """Pictures on their way to an address, 30 a second, until enough came there."""
    ended = threading.Event()

    def send():
        with av.open(address, "w", format="mpegts") as target:
            stream = target.add_stream("mpeg2video", rate=30, options={"g": "5", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number in count():
                if is_enough() or ended.wait(1 / 30):
                    return
                frame = av.VideoFrame.from_ndarray(Clip().image(number), "rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 30)
                target.mux(stream.encode(frame))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()


def test_a_source_that_falls_silent(tmp_path):
    """If the sender is gone, the recording of what was received is complete, and the error says so."""
    address, network = f"udp://127.0.0.1:{free_port()}", Negative()
    with (
        sending(address, lambda: network.calls > 12),  # however slow this machine is
        pytest.raises(SourceError, match=r"Nothing came from udp.* for 2 s") as gone,
    ):
        draw(address, tmp_path / "out.mkv", timeout=2.0, network=network)
    seen = read_clip(tmp_path / "out.mkv")
    assert f"{len(seen.times)} frames were converted until then" in gone.value.__notes__[0]
    assert len(seen.times) > 10
    assert rising(seen.times)
    assert seen.times[0] >= 0  # a frame that is late is dropped, also the first


class Failing(Negative):
    """A network whose device fails after some frames."""

    def __call__(self, images):
        if self.calls == self.limit:
            raise self.error
        return super().__call__(images)


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        (0, BackendError("The device is gone.")),
        (12, BackendError("The device is gone.")),
        (12, ModelError("The device is gone.")),  # ONNX Runtime's
        (12, RuntimeError("CUDA error: the device is gone.")),  # PyTorch's
    ],
)
def test_a_network_that_fails(tmp_path, limit, error):
    """What was drawn is in the recording, whole, when the device fails; if nothing was, there is no file."""
    network, target = Failing(), tmp_path / "out.mkv"
    network.limit, network.error = limit, error
    with pytest.raises(BackendError, match="is gone") as failure:
        draw(f"{BARS}2", target, network=network)
    assert target.exists() == bool(limit)
    if limit:
        count = len(read_clip(target).times)
        assert f"{count} frames were converted until then" in failure.value.__notes__[0]
        assert count > 0


@pytest.mark.slow
def test_a_stream_with_reordered_frames(tmp_path):
    """Frames that a sender has reordered to save space come out in their order, at their distance."""
    clip = Clip(times=range(60), options={"bf": "3", "g": "12", "b-adapt": "0"})
    with av.open(clip.write(tmp_path / "in.mp4")) as container:
        kinds = {frame.pict_type for frame in container.decode(video=0)}
    assert av.video.frame.PictureType.B in kinds
    address = f"udp://127.0.0.1:{free_port()}"
    sender = threading.Thread(target=_resend, args=(tmp_path / "in.mp4", address))
    sender.start()
    with pytest.raises(SourceError, match="Nothing came"):
        draw(address, tmp_path / "out.mkv", timeout=1.0)
    sender.join()
    steps = np.diff(read_clip(tmp_path / "out.mkv").times) * 24
    assert len(steps) > 20
    assert np.abs(steps - np.rint(steps)).max() < 0.1
    assert steps.min() > 0.9


def _resend(path, address):
    """A file's packets in real time, as other programs send them."""
    with av.open(path) as source, av.open(address, "w", format="mpegts") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        began = time.monotonic()
        for packet in source.demux(video=0):
            if packet.dts is not None:
                time.sleep(max(0.0, began + float(packet.dts * packet.time_base) - time.monotonic()))
                packet.stream = stream
                target.mux(packet)


def test_nobody_sends():
    """If nothing comes from an address, the error says so."""
    with pytest.raises(MediaError, match=r"Nothing came from udp://.* for 0.3 s"):
        LiveSource(resolve_source(f"udp://127.0.0.1:{free_port()}"), timeout=0.3)


_SERVER = """
import sys, av, numpy
frames = []
try:
    with av.open(sys.argv[1], options={"listen": "1"}, timeout=(20, 10)) as container:
        frames.extend(frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
except av.error.OSError as error:
    print(error)  # by this, FFmpeg's server learns that the other side has disconnected
numpy.save(sys.argv[2], numpy.stack(frames))
"""


@pytest.mark.slow
def test_drawings_are_sent_by_rtmp(tmp_path):
    """A server gets the drawings by RTMP, all of them."""
    address = f"rtmp://127.0.0.1:{free_port()}/live/key"
    # A process of its own, as PyAV holds Python's lock while it connects, and the other end could not answer.
    server = subprocess.Popen([sys.executable, "-c", _SERVER, address, tmp_path / "seen.npy"])
    reports = []

    def is_sent():
        with suppress(MediaError):  # refused, as the server does not listen yet
            reports.append(draw(f"{BARS}2", address))
        return reports

    wait_until(is_sent, server)
    [report] = reports
    assert server.wait(WAIT) == 0
    seen = np.load(tmp_path / "seen.npy")
    assert len(seen) == report.frames
    assert np.abs(255 - bars(2)[-1].astype(int) - seen[-1]).mean() < 12


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--source", "camera:97"], "There is no camera:97"),
        (["--source", "nowhere.mp4"], "There is no file nowhere.mp4; write camera"),
        (["--source", "lavfi:nonsense"], "lavfi:nonsense cannot be opened: Filter not found."),
        (["--source", "lavfi:sine"], "There is no video stream in lavfi:sine"),
        (
            ["--source", f"{BARS}1", "--sink", "foo://there"],
            "Pictures cannot be sent to foo://there; use one of",
        ),
        (["--source", f"{BARS}1", "--sink", "out.nonsense"], "names no video format"),
        (["--source", f"{BARS}1", "--sink", "out.mp3"], "mp3 files hold no video"),
        (["--source", f"{BARS}1", "--fps", "0"], "0 frames/s is not a frame rate"),
        (["--source", f"{BARS}1", "--sink", "null", "--crf", "30"], "and null is not a file"),
        (["--size", "huge"], "'huge' is not a size"),
        (["--source", f"{BARS}1", "--sink", "null", "--size", "64x48"], "--size asks a camera"),
    ],
)
def test_mistakes_are_one_sentence(run, tmp_path, monkeypatch, options, sentence):
    """A wrong source, sink or option ends in one sentence and exit code 1, and leaves no file."""
    monkeypatch.chdir(tmp_path)
    code, out, err = run("live", "--style", "null", *options)
    assert (code, out) == (1, "")
    assert sentence in err
    assert err.count("Error:") == 1
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there(run):
    """A server that does not answer is named."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"rtmp://127.0.0.1:{probe.getsockname()[1]}/live/key"
        code, _, err = run("live", "--style", "null", "--source", f"{BARS}1", "--sink", address)
    assert code == 1
    assert f"Cannot write {address}: Connection refused." in err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_without_a_screen_other_sinks_are_named(run, monkeypatch):
    """Without a screen the default sink says what else there is."""
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    code, _, err = run("live", "--style", "null", "--source", f"{BARS}1")
    assert code == 1
    assert "No window can be opened" in err
    assert "--sink udp://" in err


def test_json_is_all_that_is_printed(run, tiny_style):
    """`--json` prints one object: device, number of frames and latency."""
    code, out, err = run("live", "--source", f"{BARS}1", "--sink", "null", "--style", tiny_style, "--json")
    report = json.loads(out)
    assert code == 0
    assert out.count("\n") == 1
    assert report["frames"] + report["dropped"] == 30
    assert (report["width"], report["height"], report["backend"]) == (64, 48, "pytorch")
    assert 0 < report["latency"]["median"] <= report["latency"]["p95"] <= report["latency"]["max"]
    assert report["fps"] == pytest.approx(report["frames"] / report["seconds"], rel=0.1)
    assert report["stabilized"] is True
    assert "tiny.safetensors on" in err


def test_a_recording_on_a_full_disk(run, workdir):
    """If the disk is full, a recording ends with exit code 6 and one sentence, and can be played so far."""
    source = "lavfi:testsrc2=size=160x120:rate=30:duration=60,noise=alls=100:allf=t"
    with file_limit(400_000):
        code, out, err = run(
            "live", "--source", source, "--sink", "out.ts", "--style", "null", "--detail", "full", "--json"
        )
    report = json.loads(out)
    assert (code, report["exit_code"], report["state"]) == (6, 6, "failed")
    assert "Cannot write out.ts: File too large." in err
    assert "What was recorded until then is in out.partial.ts." in err
    with av.open("out.partial.ts") as container:
        assert next(container.decode(video=0)).width == 160
    assert [path.name for path in workdir.iterdir()] == ["out.partial.ts"]


def test_json_of_a_recording_that_meets_a_file(run, workdir):
    """With `--json`, pictures that meet an existing file end with a report, and those before it stay."""
    (workdir / "f").mkdir()
    (workdir / "f" / "003.png").write_bytes(b"theirs")
    code, out, err = run("live", "--source", f"{BARS}2", "--sink", "f/%03d.png", "--style", "null", "--json")
    report = json.loads(out)
    assert (code, report["exit_code"], report["state"], report["frames"]) == (1, 1, "failed", 2)
    assert "003.png exists already" in report["error"]
    assert any("Pictures hold neither times nor sound" in notice for notice in report["notices"])
    assert "What was recorded until then is in f." in err
    assert names_in(workdir / "f") == ["001.png", "002.png", "003.png"]
    assert (workdir / "f" / "003.png").read_bytes() == b"theirs"


def test_json_of_a_source_that_is_lost(run, workdir):
    """With `--json`, a source that is lost is an object too, with what was converted and the exit code."""
    address, recorded = f"udp://127.0.0.1:{free_port()}", []

    def is_enough():
        recorded.extend(workdir.iterdir())
        return len(recorded) > 12

    with sending(address, is_enough):
        words = ["--source", address, "--sink", "out.mkv", "--style", "null", "--timeout", "1", "--json"]
        code, out, err = run("live", *words)
    report = json.loads(out)
    assert (code, report["exit_code"], report["state"]) == (4, 4, "failed")
    assert report["error"] in err
    assert report["frames"] == len(read_clip(workdir / "out.mkv").times) > 0


def test_a_camera_is_never_waited_for(tmp_path):
    """Reading a device returns at once, even if it has no picture."""
    if sys.platform != "linux":
        pytest.skip("other systems' cameras return by themselves")
    os.mkfifo(tmp_path / "device")
    handle = os.open(tmp_path / "device", os.O_RDWR)
    try:
        assert os.get_blocking(handle)
        unblock_device(str(tmp_path / "device"))
        assert not os.get_blocking(handle)
    finally:
        os.close(handle)


@contextmanager
def on_terminal(target):
    """A recording on a terminal of 80 columns: the process, our end of the terminal, and its settings."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = command_line("live", "--style", "null", "--source", f"{BARS}60", "--sink", target)
    process = subprocess.Popen(
        [sys.executable, "-c", _ON_TERMINAL, *command], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
        env=environment("COLUMNS", TERM="xterm"), cwd=target.parent, start_new_session=True,
        preexec_fn=ACCEPT_SIGNALS,  # noqa: PLW1509
    )  # fmt: skip
    try:
        yield process, ours, lambda: termios.tcgetattr(theirs)
    finally:
        process.kill()
        process.communicate()
        with suppress(OSError):  # the test has closed it
            os.close(ours)
        os.close(theirs)


# Make it the controlling terminal of this process, as for a job of a shell.
_ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def shown_until(ours, text, times=1):
    """The output of a terminal until `text` has appeared `times` times."""
    import select

    shown, end = "", time.monotonic() + WAIT
    while shown.count(text) < times and time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            shown += os.read(ours, 65536).decode()
    assert shown.count(text) >= times, shown
    return shown


def test_a_recording_takes_the_options_of_an_encoder(run, workdir):
    """`live --codec`, `--crf` and `--preset` set how a file is compressed."""
    source = ["--source", "lavfi:testsrc2=size=64x48:rate=25:duration=0.4", "--sink", "out.mkv"]
    assert run("live", *source, "--style", "null", "--codec", "mpeg4", "--strength", "0.5")[0] == 0
    with av.open("out.mkv") as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"


def test_q_ends_a_recording(tmp_path):
    """The key q on the terminal ends it with exit code 0 and a whole file; the terminal is as before."""
    target = tmp_path / "out.mp4"
    with on_terminal(target) as (process, ours, settings):
        before = settings()
        shown = shown_until(ours, "frames/s", times=3)
        assert settings() != before
        os.write(ours, b"q")
        shown += shown_until(ours, "dropped\r\n")
        assert process.wait(WAIT) == 0
        assert settings() == before
    assert "ms behind (95 %:" in shown
    assert "q ends it" in shown
    times = read_clip(target).times
    assert len(times) > 1
    assert times[-1] < 50


def test_ctrl_c_ends_a_recording(tmp_path):
    """Ctrl-C ends a recording: the file is complete, and the exit code is that of Ctrl-C."""
    target = tmp_path / "out.mp4"
    with on_terminal(target) as (process, ours, settings):
        before = settings()
        shown_until(ours, "frames/s", times=3)
        os.write(ours, b"\x03")
        shown_until(ours, "Stopped.")
        assert process.wait(WAIT) == 128 + signal.SIGINT
        assert settings() == before
    assert len(read_clip(target).times) > 1
    assert names_in(tmp_path) == ["out.mp4"]


def test_a_closed_terminal_ends_a_recording(tmp_path):
    """If its terminal is closed, a recording is complete, and the exit code is that of SIGHUP."""
    target = tmp_path / "out.mp4"
    with on_terminal(target) as (process, ours, _):
        shown_until(ours, "frames/s", times=3)
        os.close(ours)
        assert process.wait(WAIT) == 128 + signal.SIGHUP
    assert len(read_clip(target).times) > 1
    assert names_in(tmp_path) == ["out.mp4"]


@pytest.fixture(scope="module")
def screen():
    """The name of a virtual screen of 800x600, the same for all tests: without it, Tk ends the process."""
    pytest.importorskip("tkinter", reason="this Python has no Tk")
    if not shutil.which("Xvfb"):
        pytest.skip("there is no Xvfb")
    if not features.check("xcb"):
        pytest.skip("this Pillow takes no pictures of screens")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as display:
        name = f":{display.readline().strip()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        yield name
    process.terminate()
    process.wait(10)


def seen_on(screen, width, height):
    """What is on a screen, from its upper left corner, where windows are without a window manager."""
    return np.asarray(ImageGrab.grab(xdisplay=screen).convert("RGB"))[:height, :width]


@pytest.mark.slow
def test_the_window_shows_the_drawing(screen, tiny_style):
    """The window is as large as the picture, and shows its drawing, not the source."""
    bars = "smptebars=size=320x240:rate=30"  # which stand still
    options = ("--source", f"lavfi:{bars}", "--style", tiny_style, "--detail", "full")
    process = start_program("live", *options, cwd=tiny_style.parent)
    with LiveSource(resolve_source(f"lavfi:{bars}")) as source:
        picture = next(iter(source)).image
    drawing = load(str(tiny_style))(picture[None])[0].astype(int)
    wait_until(lambda: np.abs(seen_on(screen, 320, 240) - drawing).mean() <= 1, process)
    beside = np.asarray(ImageGrab.grab(xdisplay=screen).convert("RGB"))[:, 330:]
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=WAIT)
    assert process.returncode == 128 + signal.SIGTERM, messages
    assert np.abs(picture - drawing).mean() > 2
    assert beside.max() == 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["q", "Escape", "close"])
def test_the_window_ends_it(screen, way):
    """q, Escape and closing the window end the show, and the window is gone."""
    from cartoonize.live.window import WindowSink

    asked = 0
    with LiveSource(resolve_source(f"{BARS}30")) as source:
        sink = WindowSink("test", 64, 48)

        def ended(meter):
            nonlocal asked
            asked += 1
            if asked == 10:
                pressed(sink, way)
            return sink.is_closed()

        report = show(source, sink, Negative(), LiveReport("", ""), ended=ended)
    assert 0 < report.frames < 300
    assert seen_on(screen, 800, 600).max() == 0


def pressed(sink, way):
    """Do what a person does."""
    if way == "close":
        sink._root.tk.call(sink._root.protocol("WM_DELETE_WINDOW"))
    else:
        sink._root.focus_force()
        sink._root.event_generate(f"<{way}>")


@pytest.mark.slow
def test_a_larger_window_shows_a_larger_picture(screen):
    """A window made larger shows the picture larger, in its proportions, with black beside it."""
    from cartoonize.live.window import WindowSink

    frame = Frame(np.full((60, 80, 3), (250, 100, 20), np.uint8))
    with WindowSink("test", 80, 60, Fraction(2)) as sink:  # pixels twice as wide as high
        sink.write(frame)
        assert (seen_on(screen, 160, 60) == (250, 100, 20)).all()
        sink._root.geometry("400x100")
        sink.is_closed()
        sink.write(frame)
        shown = seen_on(screen, 400, 100)
    wide = (400 - 266) // 2
    assert (shown[:, wide + 2 : -wide - 2] == (250, 100, 20)).all()
    assert shown[:, : wide - 2].max() == 0


def test_a_held_drawing_survives_a_dropped_frame():
    """If the frame that was drawn is dropped, the frames for which its drawing is held still show it."""
    effects = EffectChain(Look(stabilize=False, hold=2).effects())
    first, second, third = (Frame(np.full((4, 4, 3), n, np.uint8), n, Fraction(1, 24)) for n in range(3))
    red, blue = (np.full((4, 4, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    shown = _Drawing(first, first, red, 0.0)
    assert np.array_equal(_apply(effects, shown, None).image, red)
    result = _apply(effects, _Drawing(third, second, blue, 0.0), shown)
    assert (result.pts, np.array_equal(result.image, blue)) == (2, True)
