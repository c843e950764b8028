"""Queues the frame ranges of a video, runs them as Ray's tasks, and yields their results."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import ray

from ..core.errors import ClusterError
from ..core.secrets import hide_secrets
from ..media import Segment
from ..run.frame_range import FrameRange
from .connection import Cluster
from .planning import range_after
from .worker import FinishedRange, FinishedSegment, Node, SignOfLife, VideoTask, convert_range

TIMEOUT = 120.0
"""Seconds for a finished segment to arrive; then it counts as lost, with the node that has it."""
QUEUED = 2
"""Ranges that are running or waiting in Ray, for each that the cluster can run at once."""
_POLL = 1.0
"""Seconds after which waiting for results ends, so that signals are handled."""

SILENCE = 600.0
"""Seconds without a sign of life after which a worker hangs. Slow machines draw a few frames in this time."""

Result: TypeAlias = "FinishedSegment | FinishedRange | HangError | ray.exceptions.RayError"


class HangError(ClusterError):
    """A worker shows no sign of life."""


@dataclass(slots=True)
class RunningRange:
    """A range that a worker converts, and its last segment that has arrived.

    `node` and `last_sign`, a time of `time.monotonic`, are None until a worker begins.
    """

    range: FrameRange
    last: Segment | None = None
    node: Node | None = None
    last_sign: float | None = None

    @property
    def next_frame(self) -> int:
        """The first frame that has not arrived."""
        return self.last.end if self.last else self.range.first

    def remaining_frames(self) -> FrameRange:
        """The frames that have not arrived."""
        return range_after(self.last, self.range.until) if self.last else self.range


class RangeTasks:
    """Queues ranges, has Ray run them, and yields their results.

    Args:
        cluster: runs the tasks.
        video: describes the video for the workers.
        name: of the video, for Ray's dashboard.
    """

    def __init__(self, cluster: Cluster, video: VideoTask, name: str) -> None:
        self._cluster, self._video, self._name = cluster, video, hide_secrets(name)  # `ps` shows it
        self._waiting: deque[FrameRange] = deque()
        self._running: dict[Any, RunningRange] = {}  # by Ray's handle of the task
        self._capacity, self._avoided = 0, set[str]()

    @property
    def capacity(self) -> int:
        """The number of ranges that are submitted to Ray at the same time."""
        if not self._capacity or self._cluster.head.answers():
            self._capacity = QUEUED * max(1, self._cluster.slots())
        return self._capacity

    def avoid(self, node: Node) -> bool:
        """Submit no more ranges to a node. Returns False, and changes nothing, if there is no other one."""
        if not self._cluster.head.answers() or self._cluster.nodes() <= {*self._avoided, node.id}:
            return False
        self._avoided.add(node.id)
        return True

    def add(self, ranges: Iterable[FrameRange]) -> None:
        """Queue ranges after all others."""
        self._waiting.extend(ranges)

    def add_first(self, frames: FrameRange) -> None:
        """Queue a range before all others."""
        self._waiting.appendleft(frames)

    def submit(self, limit: int) -> None:
        """Submit ranges that begin before frame `limit` to Ray, up to `capacity`."""
        if not self._waiting:
            return
        capacity = self.capacity
        while self._waiting and len(self._running) < capacity and self._waiting[0].first < limit:
            frames = self._waiting.popleft()
            options = {"name": self.describe(frames), **self._cluster.resources}
            if self._avoided:
                options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(self._avoided))})"}
            handle = convert_range.options(**options).remote(self._video, frames)
            self._running[handle] = RunningRange(frames)

    def receive(self) -> Iterator[tuple[RunningRange, Result]]:
        """Yield the results that have arrived, each with its range. A result that is no segment ends it.

        Raises:
            ClusterError: the head of the cluster is lost.
        """
        self._cluster.head.check()
        ready, _ = ray.wait(list(self._running), timeout=_POLL)
        handle: Any
        for handle in ready:
            running = self._running.get(handle)
            if running is None:  # discarded because of an earlier result
                continue
            result: Result | SignOfLife
            try:
                result = ray.get(next(handle), timeout=TIMEOUT)
            except ray.exceptions.RayError as error:
                result = error
            running.last_sign = time.monotonic()
            if isinstance(result, SignOfLife):
                running.node = result.node
                continue
            if not isinstance(result, FinishedSegment):
                del self._running[handle]
            yield running, result
        yield from self._end_hanging()

    def remaining(self) -> list[FrameRange]:
        """The ranges that have not arrived, without the segments of them that have."""
        return [*self._waiting, *(running.remaining_frames() for running in self._running.values())]

    def covers(self, frame: int) -> bool:
        """Whether a frame is in a range that has not arrived."""
        return any(
            frames.first <= frame and (frames.until is None or frame < frames.until)
            for frames in self.remaining()
        )

    def discard_from(self, frame: int) -> None:
        """Discard the ranges that begin at `frame` or later."""
        self._waiting = deque(frames for frames in self._waiting if frames.first < frame)
        self._discard_running(lambda frames: frames.first >= frame)

    def discard(self, running: RunningRange) -> None:
        """Discard a running range."""
        self._running = {handle: other for handle, other in self._running.items() if other is not running}

    def discard_running_at(self, frame: int) -> None:
        """Discard the running range that begins at `frame`."""
        self._discard_running(lambda frames: frames.first == frame)

    def describe(self, frames: FrameRange) -> str:
        """The name of a range, for people."""
        length = self._video.segment
        last = "the last" if frames.until is None else frames.until // length - 1
        return f"{self._name}: segments {frames.first // length} to {last}"

    def _end_hanging(self) -> Iterator[tuple[RunningRange, Result]]:
        """End the workers that hang."""
        now = time.monotonic()
        for handle, running in list(self._running.items()):
            if running.node is None or running.last_sign is None or now - running.last_sign < SILENCE:
                continue
            if self._running.pop(handle, None) is None:  # discarded because of an earlier result
                continue
            with suppress(ray.exceptions.RayError, ValueError, TypeError):
                ray.cancel(handle, force=True)  # frees its part of the node; it does not end now by itself
            name = self.describe(running.range)
            yield (
                running,
                HangError(f"{running.node.name} has shown no sign of life for {SILENCE:.0f} s at {name}."),
            )

    def _discard_running(self, is_useless: Callable[[FrameRange], bool]) -> None:
        """Ignore the results of some running ranges, which their workers still finish.

        They are not cancelled: cancelling a task just when it ends would end this process (Ray 2.60: "Tried
        to complete task that was not pending"), and most ranges are short.
        """
        self._running = {
            handle: running for handle, running in self._running.items() if not is_useless(running.range)
        }
