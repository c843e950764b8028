"""The report of a job: one shape for one file, many files, live video and a cluster.

`--json` prints it; docs/json.md documents the keys. A key means the same wherever it appears.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from ..core.errors import CartoonizeError
from ..core.secrets import hide_secrets
from ..media import Location, parse_location

T = TypeVar("T")
State = Literal["converted", "skipped", "failed"]
STAGES = ("decode", "network", "encode")
_COMMON = ("device", "precision", "backend", "stabilized", "hold", "width", "height")
"""Keys whose value a report of many files has if all of them share it."""


class DescribedBackend(Protocol):
    """What a report states of a backend: one of this process, or of a worker."""

    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def runtime(self) -> str: ...


@dataclass(slots=True)
class Report:
    """The result of a job.

    Attributes:
        output: the file or folder that was written.
        style: the style, as it was passed.
        source: the input; empty for many files.
        state: "converted", "skipped" (the output existed already) or "failed".
        error: the message of the failure; empty without one.
        exit_code: the exit code of the failure; 0 without one.
        device: the device that ran the network.
        precision: the precision of the network.
        backend: the runtime of the network.
        stabilized: whether the drawings were stabilized.
        hold: for how many frames each drawing was held: 1, 2 or 3.
        frames: frames in the output.
        resumed: how many of them an earlier run had finished.
        seconds: the duration of this run.
        fps: frames per second of this run, without the resumed ones.
        width: the width of the output in pixels.
        height: the height of the output in pixels.
        partial: whether the output lacks frames or sound that could not be read from a damaged source.
        waiting: seconds spent waiting for each stage: "decode", "network" and "encode".
        notices: sentences for the user: what was left out, repaired or chosen.
    """

    output: str
    style: str
    source: str = ""
    state: State = "converted"
    error: str = ""
    exit_code: int = 0
    device: str = ""
    precision: str = ""
    backend: str = ""
    stabilized: bool = False
    hold: int = 1
    frames: int = 0
    resumed: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    width: int = 0
    height: int = 0
    partial: bool = False
    waiting: dict[str, float] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.output, self.source = hide_secrets(self.output), hide_secrets(self.source)

    def set_duration(self, seconds: float) -> None:
        """Set `seconds`, and from it `fps`."""
        self.seconds = round(seconds, 3)
        self.fps = frames_per_second(self.frames - self.resumed, seconds)

    def fail(self, error: CartoonizeError, sentence: str | None = None) -> None:
        """Record an error; `sentence` replaces its message."""
        self.state, self.error, self.exit_code = "failed", sentence or str(error), error.exit_code


@dataclass(slots=True)
class FilesReport(Report):
    """The result of many files: the number in each state, and in `files` the report of each.

    `output` is the folder, or the list of jobs. `frames`, `resumed` and `waiting` are sums, `seconds` is the
    time of the whole command, `notices` holds each notice once. A value that differs between the converted
    files, such as the size, keeps its default.
    """

    converted: int = 0
    skipped: int = 0
    failed: int = 0
    files: list[Report] = field(default_factory=list)

    def summarize(self, seconds: float) -> None:
        """Set the sums and common values of `files`; `seconds` is the time of the whole command."""
        states = Counter(file.state for file in self.files)
        self.converted, self.skipped, self.failed = states["converted"], states["skipped"], states["failed"]
        if self.failed:
            failure = f"{self.failed} of {len(self.files)} files could not be converted."
            self.fail(CartoonizeError(failure))
        written = [file for file in self.files if file.frames]
        self.frames = sum(file.frames for file in written)
        self.resumed = sum(file.resumed for file in written)
        self.waiting = {
            stage: round(sum(file.waiting.get(stage, 0.0) for file in written), 3) for stage in STAGES
        }
        self.notices = list(dict.fromkeys(notice for file in self.files for notice in file.notices))
        self.partial = any(file.partial for file in written)
        for name in _COMMON:
            setattr(self, name, common((getattr(file, name) for file in written), getattr(self, name)))
        self.set_duration(seconds)


def frames_per_second(frames: int, seconds: float) -> float:
    """The rate, to two digits; 0 if no time has passed that the clock can measure."""
    return round(frames / seconds, 2) if seconds > 0 else 0.0


def failed(source: Location, output: Location, style: str, error: CartoonizeError) -> Report:
    """The report of a file that could not be converted."""
    report = Report(str(parse_location(output)), style, str(parse_location(source)))
    report.fail(error)
    return report


def skipped(source: Location, output: Location, style: str) -> Report:
    """The report of a file whose output existed already."""
    return Report(str(parse_location(output)), style, str(parse_location(source)), state="skipped")


def common(values: Iterable[T], default: T) -> T:
    """The value that all share; the default if they differ, or if there are none."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else default
