"""Distributes the frame ranges of a video to workers, until all of its segments are joined.

1. The times of the packets tell where the ranges begin (planning.py). Workers convert the ranges in any
   order, each of them segment by segment.
2. Where a range begins is an estimate, as some packets make no frame. Each segment holds the mark of the
   frame before it, and is joined only if that is the last frame that is joined (joining.py).
3. Otherwise the estimate was wrong. What follows the joined frames is converted again, from the frame at
   which it really begins.
4. After too many wrong estimates, or if the source is damaged, one worker converts the remaining frames.
"""

from collections import Counter
from collections.abc import Callable

import ray

from ..core.errors import CartoonizeError, ClusterError
from ..core.messages import first_line
from ..media import ResumableSink, ResumableSource, Segment
from ..run.frame_range import FrameRange, FrameRangeError
from .connection import Cluster
from .joining import SegmentJoiner
from .planning import MAX_SEGMENTS, frame_ranges, frame_times, range_after
from .range_tasks import HangError, RangeTasks, Result, RunningRange
from .worker import FinishedRange, FinishedSegment, VideoTask

ATTEMPTS = 5
"""Workers that may die over the same segment before the job fails."""
NODES = 2
"""Nodes that may report an error over the same segment before the job fails."""
WRONG_ESTIMATES = 3
"""Wrong estimates after which one worker converts the remaining frames in order."""


class Scheduler:
    """Distributes the frame ranges of a video to workers, and joins their segments in `sink`.

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
        self._source, self._on_frame = source, on_frame
        self._segment_length = task.segment  # frames
        self._tasks = RangeTasks(cluster, task, source.path.name)
        self._joiner = SegmentJoiner(sink, joined)
        self._frame_count: int | None = None  # of the video, once a worker has reached its end
        self._wrong_estimates = 0
        self._deaths, self._errors = Counter[int](), Counter[int]()  # by the first frame that is missing
        self.nodes, self.retries, self.notices = Counter[str](), 0, list[str]()

    @property
    def frames(self) -> int:
        """The frames that are finished, by this run and earlier ones."""
        return self._joiner.finished_frames

    def run(self) -> None:
        """Convert and join the whole video.

        Raises:
            ClusterError: workers died over the same segment again and again, or the head is lost.
            CartoonizeError: workers on two nodes reported an error over the same segment, or one did and
                there is no other node.
        """
        self._queue_missing_ranges()
        while not self._join():
            self._correct_order()
            self._submit()
            for running, result in self._tasks.receive():
                self._handle(running, result)

    # Planning

    def _queue_missing_ranges(self) -> None:
        """Queue what is not finished; as one range where times are unknown or the source is damaged."""
        if self._joiner.has_damage:
            self._convert_rest_in_order()
            return
        times = frame_times(self._source)
        if times is None:
            name = self._source.path.name
            self._convert_rest_in_order(f"{name} states no times; one worker converted it, in order.")
            return
        segments = -(-len(times) // self._segment_length)
        segments_per_range = max(1, min(MAX_SEGMENTS, segments // self._tasks.capacity))
        self._tasks.add(frame_ranges(times, self._segment_length, segments_per_range, self._joiner.finished))

    def _convert_rest_in_order(self, notice: str | None = None) -> None:
        """Have one worker convert everything that is not joined."""
        self.notices += [notice] if notice else []
        self._discard_from(self._joiner.joined_frames)
        joined = self._joiner.joined
        self._tasks.add([range_after(joined, None) if joined else FrameRange(0, None)])

    def _submit(self) -> None:
        """Start ranges, but not so far ahead that segments which cannot be joined yet fill the disk."""
        ahead = 2 * self._tasks.capacity * MAX_SEGMENTS * self._segment_length
        self._tasks.submit(limit=self._joiner.joined_frames + ahead)

    def _discard_from(self, frame: int) -> None:
        """Discard all ranges and segments that begin at `frame` or later."""
        self._tasks.discard_from(frame)
        self._joiner.discard_from(frame)
        self._frame_count = None

    # Results

    def _handle(self, running: RunningRange, result: Result) -> None:
        if isinstance(result, FinishedSegment):
            self._keep_segment(running, result)
        elif isinstance(result, FinishedRange):
            self._end_range(running, result)
        else:
            self._retry(running, result)

    def _keep_segment(self, running: RunningRange, result: FinishedSegment) -> None:
        try:
            if result.segment.first != running.next_frame or result.segment.frames > self._segment_length:
                raise ValueError(f"frames from {result.segment.first} on")
            segment = self._joiner.add(result.segment, result.data, result.damage)
        except ValueError as error:
            damage = ClusterError(
                f"{result.node.name} sent a damaged or wrong segment for "
                f"{self._tasks.describe(running.range)}: check the memory and the installation of that node, "
                "and run the same command to continue."
            )
            damage.__cause__ = error
            self._tasks.discard(running)
            self._convert_elsewhere(running, damage)
            return
        running.last = segment
        self.nodes[result.node.name] += segment.frames
        until = running.range.until
        if any(result.damage.values()) and until is not None:  # later ranges have to know of earlier damage
            self._discard_from(until)

    def _end_range(self, running: RunningRange, result: FinishedRange) -> None:
        self.notices += result.notices
        is_certain = running.last is not None or running.range.pts is None
        if result.at_end and is_certain:
            self._frame_count = running.next_frame
            self._source.damage.reset(**result.damage)

    def _retry(self, running: RunningRange, error: "HangError | ray.exceptions.RayError") -> None:
        """Have another worker convert the remaining frames of a range."""
        cause = error if isinstance(error, HangError) else cause_of(error)
        if isinstance(cause, FrameRangeError):  # queued by `_correct_order`, once it is known where it begins
            return
        if cause is not None:
            self._convert_elsewhere(running, cause)
            return
        remaining = running.remaining_frames()
        self.retries += 1
        self._deaths[remaining.first] += 1
        if self._deaths[remaining.first] == ATTEMPTS:
            raise ClusterError(
                f"{ATTEMPTS} workers died over the first segment of {self._tasks.describe(remaining)}; does "
                f"a node have too little memory? The last error: {first_line(error)}"
            ) from error
        self._tasks.add_first(remaining)

    def _convert_elsewhere(self, running: RunningRange, error: Exception) -> None:
        """Have another node convert the remaining frames of a range, and all others too: an error may be the
        node's own, such as a missing file or a broken GPU.

        Raises:
            Exception: `error`, if the node is unknown or the last one, or the error has repeated on another.
        """
        remaining = running.remaining_frames()
        self._errors[remaining.first] += 1
        if (
            running.node is None
            or self._errors[remaining.first] == NODES
            or not self._tasks.avoid(running.node)
        ):
            raise error
        self.retries += 1
        self.notices.append(
            f"The node {running.node.name} was left out from then on, and other nodes did its part: "
            f"{first_line(error)}"
        )
        self._tasks.add_first(remaining)

    # Joining

    def _join(self) -> bool:
        """Join the segments that follow the last joined one. Returns whether the video is complete."""
        if self._on_frame is not None:
            self._on_frame(self.frames)
        self._joiner.join()
        return self._frame_count == self._joiner.joined_frames

    def _correct_order(self) -> None:
        """Ensure that the frames after the joined ones are being converted.

        They are not if the next segment does not follow the joined ones, or if no frame has the time that was
        estimated for the beginning of its range. If an earlier run has finished all segments, only the end
        of the video has to be found.
        """
        joined_frames, misplaced = self._joiner.joined_frames, self._joiner.misplaced
        if misplaced is None and self._tasks.covers(joined_frames):
            return
        self._wrong_estimates += 1
        if misplaced is not None:
            self._joiner.discard_chain(misplaced)
        self._tasks.discard_running_at(joined_frames)
        until = self._next_known_frame()
        if until is None and misplaced is None:
            self._convert_rest_in_order()
        elif until is None or self._joiner.joined is None or self._wrong_estimates >= WRONG_ESTIMATES:
            name = self._source.path.name
            self._convert_rest_in_order(
                f"The frames of {name} are not where it says; one worker converted the rest, in order."
            )
        else:
            self._tasks.add_first(range_after(self._joiner.joined, until))

    def _next_known_frame(self) -> int | None:
        """The first frame after the joined ones that is finished, or is in a range that has not arrived."""
        firsts = [*self._joiner.finished, *(frames.first for frames in self._tasks.remaining())]
        return min((first for first in firsts if first > self._joiner.joined_frames), default=None)


def cause_of(error: "ray.exceptions.RayError") -> Exception | None:
    """The exception that this program raised in a worker; None if the worker died or was short of memory."""
    if not isinstance(error, ray.exceptions.RayTaskError):
        return None
    cause = error.cause
    if isinstance(cause, CartoonizeError):
        return cause
    return None if isinstance(cause, MemoryError) else error
