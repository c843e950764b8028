"""A film divided into stretches: who draws which, whether they follow each other, and how they are joined."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ray

from ..core.errors import CartoonizeError, ClusterError
from ..media import ResumableSink, ResumableSource, Segment
from ..run.frame_range import FrameRange, FrameRangeError
from .connection import Cluster
from .planning import LONGEST, behind, frame_times, stretches
from .worker import Done, Drawn, Work, draw

ATTEMPTS = 5
"""Workers that may die over the same segment before the film is given up."""
WRONG = 3
"""Guesses of where a stretch begins that may be wrong; then one worker draws the rest in order."""
PATIENCE = 120.0
"""Seconds for a finished segment to arrive; then it is taken to be lost, with the node that has it."""
AHEAD = 2
"""Stretches at work or waiting for each that the cluster can draw at once."""


@dataclass(slots=True)
class _Running:
    """A stretch at work, and the last segment that came of it."""

    stretch: FrameRange
    last: Segment | None = None

    @property
    def begins(self) -> int:
        return self.last.end if self.last else self.stretch.first

    def rest(self) -> FrameRange:
        return behind(self.last, self.stretch.until) if self.last else self.stretch


class Scheduler:
    """Has the stretches of a film drawn, checks that they follow each other, and joins them in `sink`.

    Where a stretch begins is a guess (plan.py), and that it was right is seen when the one before is there:
    its last frame has to be the one that this stretch found before its first. `done` is the last segment that
    is joined already; others may be in `sink.finished`. `on_frame` is told how many frames are drawn.

    `nodes` counts the frames that each node drew, `retries` the workers that died; `notices` is what a user
    has to be told.
    """

    def __init__(
        self,
        cluster: Cluster,
        source: ResumableSource,
        sink: ResumableSink,
        work: Work,
        done: Segment | None,
        on_frame: Callable[[int], None] | None,
    ) -> None:
        self._cluster, self._source, self._sink, self._work = cluster, source, sink, work
        self._joined, self._on_frame = done, on_frame
        self._drawn = dict(sink.finished)  # by first frame; those that are known to be wrong are taken out
        self._waiting: deque[FrameRange] = deque()
        self._running: dict[Any, _Running] = {}
        self._ending: int | None = None  # the frames of the film, once a worker has seen its end
        self._wrong, self._attempts = 0, Counter[int]()
        self.nodes, self.retries, self.notices = Counter[str](), 0, list[str]()

    @property
    def frames(self) -> int:
        """Those that are drawn, by this run and earlier ones."""
        return sum(segment.frames for segment in self._drawn.values())

    def draw(self) -> None:
        """Draw and join everything.

        Raises:
            ClusterError: workers died over the same segment again and again.
            CartoonizeError: what a worker has to say of the source, the style or the options.
        """
        self._plan()
        self._tell()
        self._join()
        while self._ending != self._end:
            self._begin()
            self._receive()
            self._tell()
            self._join()

    @property
    def _end(self) -> int:
        return self._joined.end if self._joined else 0

    def _tell(self) -> None:
        if self._on_frame is not None:
            self._on_frame(self.frames)

    def _plan(self) -> None:
        """Stretches of what is missing; in one where nothing can be guessed, and of what is damaged."""
        name = self._source.path.name
        if any(map(_harmed, self._drawn.values())):
            self._draw_in_order()
            return
        times = frame_times(self._source)
        if times is None:
            self._draw_in_order(f"{name} does not say when its frames are; one worker drew it, in order.")
            return
        segments, slots = -(-len(times) // self._work.every), max(1, self._cluster.slots())
        longest = max(1, min(LONGEST, segments // (AHEAD * slots)))
        self._waiting.extend(stretches(times, self._work.every, longest, self._drawn))

    def _draw_in_order(self, notice: str | None = None) -> None:
        """Have one worker draw all that is not joined yet."""
        self.notices += [notice] if notice else []
        self._forget(self._end)
        self._waiting.append(behind(self._joined, None) if self._joined else FrameRange(0, None))

    def _forget(self, frame: int) -> None:
        """Give up all stretches and segments that begin at or behind a frame."""
        self._give_up(lambda stretch: stretch.first >= frame)
        self._waiting = deque(stretch for stretch in self._waiting if stretch.first < frame)
        self._drawn = {first: segment for first, segment in self._drawn.items() if first < frame}
        self._ending = None

    def _give_up(self, which: Callable[[FrameRange], bool]) -> None:
        """Let go of stretches at work; their workers finish them, for nobody.

        To cancel a task just when it ends would end this process (Ray 2.60: "Tried to complete task that was
        not pending"), and most stretches are short.
        """
        self._running = {task: work for task, work in self._running.items() if not which(work.stretch)}

    def _begin(self) -> None:
        """Give out what there is room for: in the cluster, and on the disk for what cannot be joined yet."""
        if not self._waiting:
            return
        room = AHEAD * max(1, self._cluster.slots())
        farthest = self._end + 2 * room * LONGEST * self._work.every
        while self._waiting and len(self._running) < room and self._waiting[0].first < farthest:
            stretch = self._waiting.popleft()
            options = {"name": self._name(stretch), **self._cluster.resources}
            self._running[draw.options(**options).remote(self._work, stretch)] = _Running(stretch)

    def _name(self, stretch: FrameRange) -> str:
        """What Ray's dashboard shows."""
        first, every = stretch.first // self._work.every, self._work.every
        last = "the last" if stretch.until is None else stretch.until // every - 1
        return f"{self._source.path.name}: segments {first} to {last}"

    def _receive(self) -> None:
        """Take what is ready; wait for it, but not so long that a signal would."""
        ready, _ = ray.wait(list(self._running), timeout=1.0)
        task: Any
        for task in ready:
            if task not in self._running:  # given up because of what another one told
                continue
            running = self._running[task]
            try:
                told: Drawn | Done = ray.get(next(task), timeout=PATIENCE)
            except ray.exceptions.RayError as error:
                del self._running[task]
                self._failed(running, error)
            else:
                self._take(task, told)

    def _take(self, task: Any, told: "Drawn | Done") -> None:
        if isinstance(told, Drawn):
            self._keep(self._running[task], told)
            return
        running = self._running.pop(task)
        self.notices += told.notices
        is_certain = running.last is not None or running.stretch.pts is None
        if told.film_ended and is_certain:
            self._ending = running.begins
            self._source.damage.reset(**told.damage)

    def _keep(self, running: _Running, told: Drawn) -> None:
        self._sink.add_finished(told.segment, told.data)
        mark = told.segment.mark.copy()
        mark["packets"], mark["frames"] = told.damage["packets"], told.damage["frames"]
        segment = replace(told.segment, mark=mark)
        self._drawn[segment.first] = running.last = segment
        self.nodes[told.node] += segment.frames
        until = running.stretch.until
        if any(told.damage.values()) and until is not None:  # what follows has to know what came before
            self._forget(until)

    def _join(self) -> None:
        """Write what follows, and see that somebody draws what comes then."""
        while (following := self._drawn.get(self._end)) and following.follows(self._joined):
            self._sink.append(following)
            self._joined = following
        if self._ending != self._end and (following is not None or not self._is_given_out(self._end)):
            self._draw_anew(following)

    def _is_given_out(self, frame: int) -> bool:
        return any(
            rest.first <= frame and (rest.until is None or frame < rest.until) for rest in self._rests()
        )

    def _rests(self) -> list[FrameRange]:
        """What is given out and not drawn yet."""
        return [*self._waiting, *(running.rest() for running in self._running.values())]

    def _draw_anew(self, misplaced: Segment | None) -> None:
        """Draw what follows from where it does begin; `misplaced` is what was taken for it."""
        self._wrong += 1
        harmless = misplaced is None  # as where an earlier run has drawn all, and only the end is looked for
        while misplaced is not None:  # and what was drawn in one stretch with it
            self._drawn.pop(misplaced.first)
            following = self._drawn.get(misplaced.end)
            misplaced = following if following and following.follows(misplaced) else None
        self._give_up(lambda stretch: stretch.first == self._end)
        beyond = [*self._drawn, *(rest.first for rest in self._rests())]
        until = min((first for first in beyond if first > self._end), default=None)
        if until is None and harmless:
            self._draw_in_order()
        elif until is None or self._joined is None or self._wrong >= WRONG:
            name = self._source.path.name
            self._draw_in_order(
                f"The frames of {name} are not where it says; one worker drew the rest, in order."
            )
        else:
            self._waiting.appendleft(behind(self._joined, until))

    def _failed(self, running: _Running, error: "ray.exceptions.RayError") -> None:
        """Have the rest of a stretch drawn by another worker, unless that is of no use."""
        cause = told_by(error)
        if isinstance(cause, FrameRangeError):  # drawn anew when it is known where it begins
            return
        if cause is not None:
            raise cause
        rest = running.rest()
        self.retries += 1
        self._attempts[rest.first] += 1
        if self._attempts[rest.first] == ATTEMPTS:
            raise ClusterError(
                f"{self._name(rest)}: {ATTEMPTS} workers died over the first of them, the last of this: "
                f"{_first_line(error)}"
            ) from error
        self._waiting.appendleft(rest)


def told_by(error: "ray.exceptions.RayError") -> Exception | None:
    """What this program, in a worker, raised itself; None if the worker died or was short of memory."""
    if not isinstance(error, ray.exceptions.RayTaskError):
        return None
    cause = error.cause
    if isinstance(cause, CartoonizeError):
        return cause
    return None if isinstance(cause, MemoryError) else error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _harmed(segment: Segment) -> bool:
    return bool(segment.mark["packets"] or segment.mark["frames"])
