"""The report of a job: one shape for one file, many files, live video and a cluster.

`--json` prints it; docs/json.md documents the keys. A key means the same wherever it appears.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from ..core.errors import CartoonizeError
from ..core.secrets import hide_secrets
from ..media import Location

T = TypeVar("T")
State = Literal["converted", "skipped", "failed"]
STAGES = ("decode", "network", "encode")


@dataclass(slots=True)
class Report:
    """The result of a job.

    `state` is "converted", "skipped" (the output existed already) or "failed"; `error` and `exit_code` say
    why it failed. A `partial` output lacks what could not be read of a damaged source. `seconds` and `fps`
    leave out the `resumed` frames, which an earlier run has finished. `width` and `height` are those of the
    output. `waiting` holds the seconds spent waiting for each stage (see StageWaits), `notices` what a user
    should know.
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
    time of the whole command, `notices` holds each notice once. What is not the same for all converted files,
    such as their size, keeps its default.
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
        self.frames, self.resumed = (
            sum(file.frames for file in written),
            sum(file.resumed for file in written),
        )
        self.waiting = {
            stage: round(sum(file.waiting.get(stage, 0.0) for file in written), 3) for stage in STAGES
        }
        self.notices = list(dict.fromkeys(notice for file in self.files for notice in file.notices))
        self.partial = any(file.partial for file in written)
        self.device = common((file.device for file in written), self.device)
        self.precision = common((file.precision for file in written), self.precision)
        self.backend = common((file.backend for file in written), self.backend)
        self.stabilized = common((file.stabilized for file in written), self.stabilized)
        self.hold = common((file.hold for file in written), self.hold)
        self.width = common((file.width for file in written), self.width)
        self.height = common((file.height for file in written), self.height)
        self.set_duration(seconds)


def frames_per_second(frames: int, seconds: float) -> float:
    """The rate, to two digits; 0 if no time has passed that the clock can measure."""
    return round(frames / seconds, 2) if seconds > 0 else 0.0


def skipped(source: Location, output: Location, style: str) -> Report:
    """The report of a file whose output existed already."""
    return Report(str(output), style, str(source), state="skipped")


def common(values: Iterable[T], default: T) -> T:
    """The value that all share; the default if they differ, or if there are none."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else default
