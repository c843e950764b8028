"""How fast this machine draws: every stage alone, all of them together, and what ran."""

import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..backends import LoadedBackend
from ..core import cpus
from ..core.draw_size import enlarge, replace_image, resolve_detail
from ..core.frames import Frame, Image
from ..effects.look import Look
from ..effects.stabilizer import Stabilizer
from ..media import Decoding, Encoding, VideoSink, VideoSource
from ..run.job import run
from ..run.pipeline import PlannedFrame, batches
from ..run.report import Report
from ..version import __version__
from .demo import make_demo_clip

HELD = 24  # decoded frames that are kept and drawn over and over: all of a long clip would fill the memory


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds a frame: by the clock, and of all cores together."""

    wall: float
    cpu: float


@dataclass(slots=True)
class Benchmark:
    """Medians over the rounds; times are milliseconds a frame.

    `to_slowest` is the time of the whole to that of its slowest stage alone on all cores: 1 where the other
    stages hide behind it. `to_bound` compares with what no order of work could beat: the slowest stage, or
    the CPU time of all stages shared out evenly over all cores. `outside` is the share of CPU time that is
    spent in none of the stages. `peak_mb` is the largest memory of the process while all ran together.
    """

    style: str
    size: str
    frames: int
    rounds: int
    device: str
    precision: str
    backend: str
    batch: int
    detail: str
    stages: dict[str, Cost] = field(default_factory=dict)
    fps: float = 0.0
    to_slowest: float = 0.0
    to_bound: float = 0.0
    outside: float = 0.0
    peak_mb: float | None = None
    gflop: float | None = None  # of the network's convolutions, a frame
    machine: dict[str, str] = field(default_factory=dict)


def benchmark(
    backend: LoadedBackend,
    style: str,
    *,
    width: int,
    height: int,
    rounds: int = 3,
    clip: Path | None = None,
    detail: str = "normal",
) -> Benchmark:
    """Draw a clip at a detail, stage by stage and as a whole, `rounds` times in turns.

    Without a `clip` one is made: eight seconds of moving photos with sound, H.264 in MP4. What is encoded
    are the drawn frames, in H.264 with this program's defaults.

    Raises:
        MediaError: the clip cannot be read.
    """
    with TemporaryDirectory() as folder:
        if clip is None:
            clip = Path(folder) / "clip.mp4"
            make_demo_clip(clip, width, height)
        decoding = Decoding(detail=resolve_detail(detail, style, []))
        frames, answers = _frames_of(clip, decoding, backend)
        drawn = [
            replace_image(frame, enlarge(answer, frame.size))
            for frame, answer in zip(frames, answers, strict=True)
        ]
        (width, height), (drawn_height, drawn_width) = frames[0].size, frames[0].image.shape[:2]
        result = Benchmark(
            style, f"{width}x{height}", 0, rounds,
            backend.device, backend.precision, backend.runtime, backend.batch, decoding.detail,
        )  # fmt: skip
        target = Path(folder) / "drawn.mp4"
        together = partial(_together, clip, decoding, target, backend, style)
        result.frames = together()  # warms everything up
        result.peak_mb = _peak_mb()
        count = result.frames
        work: dict[str, Callable[[], int]] = {
            "decode": partial(_decode, clip, decoding),
            "network": partial(_network, frames, count, backend),
            "stabilize": partial(_stabilize, frames, answers, count),
            "enlarge": partial(_enlarge, frames, answers, count),
            "encode": partial(_encode, clip, target, drawn, count),
            "together": together,
        }
        if not Look().available(backend.runtime, []).stabilize:
            del work["stabilize"]
        if (width, height) == (drawn_width, drawn_height):
            del work["enlarge"]
        measured: dict[str, list[Cost]] = {name: [] for name in work}
        for _ in range(rounds):
            for name, stage in work.items():
                measured[name].append(_timed(stage))
    result.stages = {
        name: Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))
        for name, costs in measured.items()
    }
    _compare(result)
    result.gflop = backend.gflop(drawn_height, drawn_width)
    result.machine = describe_machine()
    return result


def benchmark_table(result: Benchmark) -> Group:
    """The figures as people read them, and paste them into a bug report."""
    table = Table("stage", "ms a frame", "CPU ms a frame", "frames/s")
    for name, cost in result.stages.items():
        table.add_row(name, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{1000 / cost.wall:.1f}")
    work = f"{result.gflop:.1f} GFLOP a frame, " if result.gflop else ""
    rate = f"{result.gflop / result.stages['network'].wall:.2f} TFLOP/s alone, " if result.gflop else ""
    memory = f"{result.peak_mb:.0f} MB at most" if result.peak_mb else "memory not known"
    lines = [
        f"{result.style}, {result.size}, detail {result.detail}",
        f"{result.frames} frames, median of {result.rounds} rounds",
        f"{result.device}, {result.precision}, {result.backend}, batch {result.batch}",
        f"network: {work}{rate}".rstrip(", ") if work else "",
        (
            f"together / slowest stage alone: {result.to_slowest:.2f}; / what all cores could do: "
            f"{result.to_bound:.2f}; CPU outside the stages: {result.outside:.1%}; {memory}"
        ),
        ", ".join(f"{name} {value}" for name, value in result.machine.items()),
    ]
    return Group(table, *(Text(line) for line in lines if line))


def _compare(result: Benchmark) -> None:
    whole = result.stages["together"]
    alone = [cost for name, cost in result.stages.items() if name != "together"]
    slowest, work = max(cost.wall for cost in alone), sum(cost.cpu for cost in alone)
    result.fps = 1000 / whole.wall
    result.to_slowest = whole.wall / slowest
    result.to_bound = whole.wall / max(slowest, work / cpus.count_cores())
    result.outside = max(0.0, (whole.cpu - work) / whole.cpu)


def describe_machine() -> dict[str, str]:
    """What a report of a bug should say of where it happened."""
    import av

    described = {
        "cartoonize": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(cpus.count_cores()),
        "pyav": av.__version__,
        "ffmpeg": av.ffmpeg_version_info,
    }
    if "torch" in sys.modules:
        described["torch"] = sys.modules["torch"].__version__
    if "onnxruntime" in sys.modules:
        described["onnxruntime"] = sys.modules["onnxruntime"].__version__
    return described


def _frames_of(clip: Path, decoding: Decoding, backend: LoadedBackend) -> tuple[list[Frame], list[Image]]:
    """The first frames of the clip, and the network's drawings of them."""
    with VideoSource(clip, decoding=decoding) as source:
        frames = list(islice(source, HELD))
    return frames, [backend(frame.image[None])[0] for frame in frames]


def _decode(clip: Path, decoding: Decoding) -> int:
    with VideoSource(clip, decoding=decoding) as source:
        return sum(1 for _ in source)


def _network(frames: list[Frame], count: int, backend: LoadedBackend) -> int:
    import numpy as np

    for group in batches(map(PlannedFrame, islice(cycle(frames), count)), backend.batch):
        backend(np.stack([item.frame.image for item in group]))
    return count


def _stabilize(frames: list[Frame], answers: list[Image], count: int) -> int:
    stabilizer = Stabilizer()
    for frame, answer in islice(cycle(zip(frames, answers, strict=True)), count):
        stabilizer.stabilize(frame.image, answer)
    return count


def _enlarge(frames: list[Frame], answers: list[Image], count: int) -> int:
    for frame, answer in islice(cycle(zip(frames, answers, strict=True)), count):
        enlarge(answer, frame.size)
    return count


def _encode(clip: Path, target: Path, drawn: list[Frame], count: int) -> int:
    with VideoSource(clip) as source, _sink(target, source) as sink:
        for frame in _lengthened(drawn, count):
            sink.write(frame)
    return count


def _together(clip: Path, decoding: Decoding, target: Path, backend: LoadedBackend, style: str) -> int:
    with VideoSource(clip, decoding=decoding) as source:
        report = Report(str(target), style)
        return run(source, _sink(target, source), backend, report).frames


def _sink(target: Path, source: VideoSource) -> VideoSink:
    return VideoSink(target, source.video, encoding=Encoding(), overwrite=True)


def _lengthened(frames: list[Frame], count: int) -> Iterator[Frame]:
    """The frames forwards and backwards, which leaves the motion between neighbours small."""
    there_and_back = frames + frames[-2:0:-1]
    for i in range(count):
        frame = there_and_back[i % len(there_and_back)]
        yield Frame(frame.image, i * frame.duration, frame.time_base, frame.duration)


def _timed(stage: Callable[[], int]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    count = stage()
    spent = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(*(1000 * seconds / count for seconds in spent))


def _peak_mb() -> float | None:
    """The largest memory of this process so far; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
