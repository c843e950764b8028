"""Measure how fast this machine converts: each stage alone, and all together."""

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

SAMPLE = 24
"""Decoded frames that the stages repeat: all frames of a long clip would fill the memory."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds per frame: elapsed, and of CPU time summed over all cores."""

    wall: float
    cpu: float


@dataclass(slots=True)
class Benchmark:
    """Medians over the rounds.

    Attributes:
        stages: the cost of each stage alone on all cores, and, as "together", of the whole conversion.
        fps: frames per second of the whole.
        to_slowest: elapsed time of the whole, divided by that of the slowest stage alone: 1 if the other
            stages take no extra time.
        to_bound: the same, divided by a lower bound that no schedule can beat: the slowest stage, or the CPU
            time of all stages spread evenly over all cores.
        outside: share of the CPU time that is spent outside the stages.
        peak_mb: peak memory of the process during the whole; None if unknown.
        gflop: billions of operations per frame of the network's convolutions; None if unknown.
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
    gflop: float | None = None
    machine: dict[str, str] = field(default_factory=dict)

    def compare(self) -> None:
        """Fill in the ratios, by the stages."""
        whole = self.stages["together"]
        stages = [cost for name, cost in self.stages.items() if name != "together"]
        slowest, cpu = max(cost.wall for cost in stages), sum(cost.cpu for cost in stages)
        self.fps = 1000 / whole.wall
        self.to_slowest = whole.wall / slowest
        self.to_bound = whole.wall / max(slowest, cpu / cpus.count_cores())
        self.outside = max(0.0, (whole.cpu - cpu) / whole.cpu) if whole.cpu else 0.0  # a coarse clock


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
    """Convert a clip, stage by stage and as a whole, in `rounds` rounds.

    Args:
        backend: draws.
        style: what the backend was loaded from, for the report.
        width: of the generated clip, in pixels.
        height: of the generated clip.
        rounds: how often each stage is measured.
        clip: a clip to convert; by default one is generated: eight seconds of moving photos with sound,
            H.264 in MP4. The result is H.264 with the default settings of `cartoonize video`.
        detail: see core/draw_size.py.

    Raises:
        MediaError: the clip cannot be read, or there is no such detail.
    """
    with TemporaryDirectory() as folder:
        if clip is None:
            clip = Path(folder) / "clip.mp4"
            make_demo_clip(clip, width, height)
        decoding = Decoding(detail=resolve_detail(detail, style, []))
        stages = _Stages(clip, Path(folder) / "converted.mp4", decoding, backend, style)
        first = stages.frames[0]
        result = Benchmark(
            style, "{}x{}".format(*first.size), stages.count, rounds,
            backend.device, backend.precision, backend.runtime, backend.batch, decoding.detail,
            peak_mb=_peak_mb(), gflop=backend.gflop(*first.image.shape[:2]), machine=describe_machine(),
        )  # fmt: skip
        result.stages = _measure(stages.all(), rounds)
    result.compare()
    return result


class _Stages:
    """The stages of a conversion, each as a function that processes as many frames as the clip has.

    The stages after the decoder repeat a sample of the frames and of their drawings.
    """

    def __init__(
        self, clip: Path, target: Path, decoding: Decoding, backend: LoadedBackend, style: str
    ) -> None:
        self._clip, self._target, self._decoding = clip, target, decoding
        self._backend, self._style = backend, style
        with VideoSource(clip, decoding=decoding) as source:
            self.frames = list(islice(source, SAMPLE))
        self._drawings = [backend(frame.image[None])[0] for frame in self.frames]
        self.count = self.convert()  # also warms everything up

    def all(self) -> dict[str, Callable[[], int]]:
        """The stages by name, in their order; without those that this conversion does not have."""
        first = self.frames[0]
        height, width = first.image.shape[:2]
        stages: dict[str, Callable[[], int]] = {"decode": self.decode, "network": self.draw}
        if Look().available(self._backend.runtime, []).stabilize:
            stages["stabilize"] = self.stabilize
        if first.size != (width, height):
            stages["enlarge"] = self.enlarge
        return {**stages, "encode": partial(self.encode, self._results()), "together": self.convert}

    def decode(self) -> int:
        with VideoSource(self._clip, decoding=self._decoding) as source:
            return sum(1 for _ in source)

    def draw(self) -> int:
        import numpy as np

        frames = map(PlannedFrame, islice(cycle(self.frames), self.count))
        for group in batches(frames, self._backend.batch):
            self._backend(np.stack([item.frame.image for item in group]))
        return self.count

    def stabilize(self) -> int:
        stabilizer = Stabilizer()
        for frame, drawing in self._repeated():
            stabilizer.stabilize(frame.image, drawing)
        return self.count

    def enlarge(self) -> int:
        for frame, drawing in self._repeated():
            enlarge(drawing, frame.size)
        return self.count

    def encode(self, frames: list[Frame]) -> int:
        with VideoSource(self._clip) as source, self._open_sink(source) as sink:
            for frame in _back_and_forth(frames, self.count):
                sink.write(frame)
        return self.count

    def convert(self) -> int:
        with VideoSource(self._clip, decoding=self._decoding) as source:
            report = Report(str(self._target), self._style)
            return run(source, self._open_sink(source), self._backend, report).frames

    def _open_sink(self, source: VideoSource) -> VideoSink:
        return VideoSink(self._target, source.video, encoding=Encoding(), overwrite=True)

    def _repeated(self) -> Iterator[tuple[Frame, Image]]:
        return islice(cycle(zip(self.frames, self._drawings, strict=True)), self.count)

    def _results(self) -> list[Frame]:
        """The frames to encode: the drawings at the size of the source."""
        return [
            replace_image(frame, enlarge(drawing, frame.size))
            for frame, drawing in zip(self.frames, self._drawings, strict=True)
        ]


def _measure(stages: dict[str, Callable[[], int]], rounds: int) -> dict[str, Cost]:
    """The median cost of each stage. All stages take turns, so that a slow moment meets all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in stages}
    for _ in range(rounds):
        for name, stage in stages.items():
            costs[name].append(_time(stage))
    return {
        name: Cost(median(cost.wall for cost in measured), median(cost.cpu for cost in measured))
        for name, measured in costs.items()
    }


def _time(stage: Callable[[], int]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    count = stage()
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(*(1000 * value / count for value in seconds))


def _back_and_forth(frames: list[Frame], count: int) -> Iterator[Frame]:
    """The frames forwards and backwards: the motion between neighbours stays as small as in the clip."""
    loop = frames + frames[-2:0:-1]
    for i in range(count):
        frame = loop[i % len(loop)]
        yield Frame(frame.image, i * frame.duration, frame.time_base, frame.duration)


def describe_machine() -> dict[str, str]:
    """Versions, system and cores, for a bug report. Only libraries that are imported already are named."""
    import av

    description = {
        "cartoonize": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(cpus.count_cores()),
        "pyav": av.__version__,
        "ffmpeg": av.ffmpeg_version_info,
    }
    for name in ("torch", "onnxruntime"):
        if name in sys.modules:
            description[name] = sys.modules[name].__version__
    return description


def _peak_mb() -> float | None:
    """The peak memory of this process so far; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
