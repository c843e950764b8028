"""Measures how fast this machine converts: each stage alone, and all together."""

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ..backends import LoadedBackend
from ..core import cpus
from ..core.draw_size import resolve_detail
from ..media import Decoding
from ..version import __version__
from .benchmark_stages import Stages
from .demo import FRAMES, make_demo_clip

QUICK = 26.0
"""Seconds in which a benchmark without a number of rounds measures; loading takes some more."""
_MOST_ROUNDS = 3
_QUICK_FRAMES = 96  # of the generated clip


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
    rounds: int | None = None,
    clip: Path | None = None,
    detail: str = "normal",
    on_step: Callable[[str], None] = lambda _: None,
) -> Benchmark:
    """Convert a clip repeatedly, by each stage alone and by all together.

    Args:
        backend: draws.
        style: what the backend was loaded from, for the report.
        width: of the generated clip, in pixels.
        height: of the generated clip.
        rounds: how often each stage processes the whole clip; by default as much of the clip, and as often,
            as takes QUICK seconds.
        clip: a clip to convert; by default one is generated: some seconds of moving photos with sound, H.264
            in MP4. The result is H.264 with the default settings of `cartoonize video`.
        detail: see core/draw_size.py.
        on_step: is called with a description of the next step.

    Raises:
        MediaError: the clip cannot be read, or there is no such detail.
    """
    started = time.monotonic()
    with TemporaryDirectory(prefix="cartoonize-") as folder:
        if clip is None:
            on_step("making a clip")
            clip = Path(folder) / "clip.mp4"
            make_demo_clip(clip, width, height, frames=_QUICK_FRAMES if rounds is None else FRAMES)
        on_step("warming up")
        decoding = Decoding(detail=resolve_detail(detail, style, []))
        stages = Stages(clip, Path(folder) / "converted.mp4", decoding, backend, style)
        ends = started + QUICK if rounds is None else None
        # Warming up takes about half of a round.
        stages.prepare(None if ends is None else (ends - time.monotonic()) / 1.5)
        costs = _measure(stages.all(), rounds or _MOST_ROUNDS, ends, on_step)
        first = stages.frames[0]
        result = Benchmark(
            style, "{}x{}".format(*first.size), stages.count, len(costs["together"]),
            backend.device, backend.precision, backend.runtime, backend.batch, decoding.detail,
            peak_mb=_peak_mb(), gflop=backend.gflop(*first.image.shape[:2]), machine=describe_machine(),
        )  # fmt: skip
        result.stages = {name: _median(measured) for name, measured in costs.items()}
    result.compare()
    return result


def _measure(
    stages: dict[str, Callable[[], int]], rounds: int, ends: float | None, on_step: Callable[[str], None]
) -> dict[str, list[Cost]]:
    """The costs of each stage in each round. The stages take turns, so that slow moments affect all of them.

    A further round begins only if it would end before the time `ends`.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in stages}
    for number in range(rounds):
        began = time.monotonic()
        for name, stage in stages.items():
            on_step(f"round {number + 1} of {rounds}: {name}")
            costs[name].append(_time(stage))
        now = time.monotonic()
        if ends is not None and now + (now - began) > ends:
            break
    return costs


def _median(costs: list[Cost]) -> Cost:
    return Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))


def _time(stage: Callable[[], int]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    count = stage()
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(*(1000 * value / count for value in seconds))


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
