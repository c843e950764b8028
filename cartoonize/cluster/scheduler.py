"""Distributes the frame ranges of a video, checks that they follow each other, and joins them."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ray

from ..core.errors import CartoonizeError, ClusterError
from ..media import ResumableSink, ResumableSource, Segment
from ..run.frame_range import FrameRange, FrameRangeError
from .connection import Cluster
from .planning import MAX_SEGMENTS, frame_ranges, frame_times, range_after
from .worker import FinishedRange, FinishedSegment, VideoTask, convert_range

ATTEMPTS = 5
"""Workers that may die over the same segment before the video is given up."""
WRONG_ESTIMATES = 3
"""Ranges that may begin elsewhere than estimated; then one worker converts the rest in order."""
TIMEOUT = 120.0
"""Seconds for a finished segment to arrive; then it is taken to be lost, with the node that has it."""
QUEUED = 2
"""Ranges that are running or waiting, for each that the cluster can run at once."""


@dataclass(slots=True)
class _Running:
    """A range that a worker converts, and the last segment that arrived of it."""

    range: FrameRange
    last: Segment | None = None

    @property
    def next_frame(self) -> int:
        return self.last.end if self.last else self.range.first

    def rest(self) -> FrameRange:
        return range_after(self.last, self.range.until) if self.last else self.range


class Scheduler:
    """Distributes the frame ranges of a video to workers, and joins their segments in `sink`.

    The first frame of a range is an estimate (planning.py). It is checked when the preceding segment has
    arrived: the last frame of that segment must be the frame that the worker found before its range.

    `nodes` counts the frames that each node converted, `retries` the workers that died. `notices` holds
    sentences for the user.

    Args:
        cluster: converts the ranges.
        source: the video, opened by the driver.
        sink: joins the segments; those in `sink.finished` are finished already.
        task: describes the video for the workers.
        joined: the last segment that an earlier run has joined, or None.
        on_frame: called with the number of finished frames.
    """

    def __init__(
        self,
        cluster: Cluster,
        source: ResumableSource,
        sink: ResumableSink,
        task: VideoTask,
        joined: Segment | None,
        on_frame: Callable[[int], None] | None,
    ) -> None:
        self._cluster, self._source, self._sink, self._task = cluster, source, sink, task
        self._joined, self._on_frame = joined, on_frame
        self._finished = dict(sink.finished)  # segments by first frame, without those known to be wrong
        self._waiting: deque[FrameRange] = deque()
        self._running: dict[Any, _Running] = {}  # by Ray's handle of the task
        self._length: int | None = None  # frames of the video, once a worker has reached its end
        self._wrong_estimates, self._attempts = 0, Counter[int]()
        self.nodes, self.retries, self.notices = Counter[str](), 0, list[str]()

    @property
    def frames(self) -> int:
        """The frames that are finished, by this run and earlier ones."""
        return sum(segment.frames for segment in self._finished.values())

    def run(self) -> None:
        """Convert and join the whole video.

        Raises:
            ClusterError: workers died over the same segment again and again.
            CartoonizeError: a worker reported an error of the source, the style or the options.
        """
        self._plan()
        self._show_progress()
        self._join()
        while self._length != self._joined_frames:
            self._submit()
            self._receive()
            self._show_progress()
            self._join()

    @property
    def _joined_frames(self) -> int:
        return self._joined.end if self._joined else 0

    def _show_progress(self) -> None:
        if self._on_frame is not None:
            self._on_frame(self.frames)

    def _plan(self) -> None:
        """Queue the ranges that are missing; one range where times are unknown or the source is damaged."""
        name = self._source.path.name
        if any(map(_is_damaged, self._finished.values())):
            self._convert_in_order()
            return
        times = frame_times(self._source)
        if times is None:
            self._convert_in_order(
                f"{name} does not say when its frames are; one worker converted it, in order."
            )
            return
        segments, slots = -(-len(times) // self._task.segment), max(1, self._cluster.slots())
        size = max(1, min(MAX_SEGMENTS, segments // (QUEUED * slots)))
        self._waiting.extend(frame_ranges(times, self._task.segment, size, self._finished))

    def _convert_in_order(self, notice: str | None = None) -> None:
        """Have one worker convert all that is not joined yet."""
        self.notices += [notice] if notice else []
        self._forget_from(self._joined_frames)
        self._waiting.append(range_after(self._joined, None) if self._joined else FrameRange(0, None))

    def _forget_from(self, frame: int) -> None:
        """Discard all ranges and segments that begin at `frame` or later."""
        self._abandon(lambda frames: frames.first >= frame)
        self._waiting = deque(waiting for waiting in self._waiting if waiting.first < frame)
        self._finished = {first: segment for first, segment in self._finished.items() if first < frame}
        self._length = None

    def _abandon(self, is_useless: Callable[[FrameRange], bool]) -> None:
        """Ignore the results of some running ranges, which their workers still finish.

        They are not cancelled: cancelling a task just when it ends would end this process (Ray 2.60: "Tried
        to complete task that was not pending"), and most ranges are short.
        """
        self._running = {
            task: running for task, running in self._running.items() if not is_useless(running.range)
        }

    def _submit(self) -> None:
        """Start ranges while the cluster has room, and the disk has room for segments that are not joined."""
        if not self._waiting:
            return
        room = QUEUED * max(1, self._cluster.slots())
        farthest = self._joined_frames + 2 * room * MAX_SEGMENTS * self._task.segment
        while self._waiting and len(self._running) < room and self._waiting[0].first < farthest:
            frames = self._waiting.popleft()
            options = {"name": self._name(frames), **self._cluster.resources}
            self._running[convert_range.options(**options).remote(self._task, frames)] = _Running(frames)

    def _name(self, frames: FrameRange) -> str:
        """The name of a range in Ray's dashboard."""
        first, length = frames.first // self._task.segment, self._task.segment
        last = "the last" if frames.until is None else frames.until // length - 1
        return f"{self._source.path.name}: segments {first} to {last}"

    def _receive(self) -> None:
        """Take the results that have arrived; wait a second at most, so that signals are handled."""
        ready, _ = ray.wait(list(self._running), timeout=1.0)
        task: Any
        for task in ready:
            if task not in self._running:  # abandoned, because of the result of another task
                continue
            running = self._running[task]
            try:
                result: FinishedSegment | FinishedRange = ray.get(next(task), timeout=TIMEOUT)
            except ray.exceptions.RayError as error:
                del self._running[task]
                self._retry(running, error)
            else:
                self._take(task, result)

    def _take(self, task: Any, result: "FinishedSegment | FinishedRange") -> None:
        if isinstance(result, FinishedSegment):
            self._keep(self._running[task], result)
            return
        running = self._running.pop(task)
        self.notices += result.notices
        is_certain = running.last is not None or running.range.pts is None
        if result.at_end and is_certain:
            self._length = running.next_frame
            self._source.damage.reset(**result.damage)

    def _keep(self, running: _Running, result: FinishedSegment) -> None:
        self._sink.add_finished(result.segment, result.data)
        mark = result.segment.mark.copy()
        mark["packets"], mark["frames"] = result.damage["packets"], result.damage["frames"]
        segment = replace(result.segment, mark=mark)
        self._finished[segment.first] = running.last = segment
        self.nodes[result.node] += segment.frames
        until = running.range.until
        if any(result.damage.values()) and until is not None:  # what follows has to know of all damage before
            self._forget_from(until)

    def _join(self) -> None:
        """Join the segments that continue the video, and make sure that the next one is being converted."""
        while (following := self._finished.get(self._joined_frames)) and following.follows(self._joined):
            self._sink.append(following)
            self._joined = following
        at_end = self._length == self._joined_frames
        if not at_end and (following is not None or not self._is_submitted(self._joined_frames)):
            self._replan(following)

    def _is_submitted(self, frame: int) -> bool:
        return any(
            rest.first <= frame and (rest.until is None or frame < rest.until) for rest in self._rests()
        )

    def _rests(self) -> list[FrameRange]:
        """The ranges that have not arrived yet, without the segments of them that have."""
        return [*self._waiting, *(running.rest() for running in self._running.values())]

    def _replan(self, misplaced: Segment | None) -> None:
        """Queue the range after the joined segments again, from the frame at which it really begins.

        `misplaced` is the finished segment whose estimated beginning was wrong; None if there is no segment.
        """
        self._wrong_estimates += 1
        is_harmless = misplaced is None  # an earlier run has converted all, and only the end is missing
        while misplaced is not None:  # discard the later segments of its range too
            self._finished.pop(misplaced.first)
            following = self._finished.get(misplaced.end)
            misplaced = following if following and following.follows(misplaced) else None
        self._abandon(lambda frames: frames.first == self._joined_frames)
        firsts = [*self._finished, *(rest.first for rest in self._rests())]
        until = min((first for first in firsts if first > self._joined_frames), default=None)
        if until is None and is_harmless:
            self._convert_in_order()
        elif until is None or self._joined is None or self._wrong_estimates >= WRONG_ESTIMATES:
            name = self._source.path.name
            self._convert_in_order(
                f"The frames of {name} are not where it says; one worker converted the rest, in order."
            )
        else:
            self._waiting.appendleft(range_after(self._joined, until))

    def _retry(self, running: _Running, error: "ray.exceptions.RayError") -> None:
        """Have another worker convert the rest of a range, unless the error would come back."""
        cause = cause_of(error)
        if isinstance(cause, FrameRangeError):  # `_replan` queues it once it is known where it begins
            return
        if cause is not None:
            raise cause
        rest = running.rest()
        self.retries += 1
        self._attempts[rest.first] += 1
        if self._attempts[rest.first] == ATTEMPTS:
            raise ClusterError(
                f"{self._name(rest)}: {ATTEMPTS} workers died over the first of them, the last one of this: "
                f"{_first_line(error)}"
            ) from error
        self._waiting.appendleft(rest)


def cause_of(error: "ray.exceptions.RayError") -> Exception | None:
    """The exception that this program raised in a worker; None if the worker died or was short of memory."""
    if not isinstance(error, ray.exceptions.RayTaskError):
        return None
    cause = error.cause
    if isinstance(cause, CartoonizeError):
        return cause
    return None if isinstance(cause, MemoryError) else error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _is_damaged(segment: Segment) -> bool:
    return bool(segment.mark["packets"] or segment.mark["frames"])
