"""The detail at which a live picture is drawn: the highest that keeps up with the source."""

from collections import deque
from dataclasses import dataclass, field

from ..core.choices import Detail
from ..core.draw_size import draw_size

LATE, LATE_SHARE = 1.0, 0.2
"""The detail falls if, over LATE seconds, more than LATE_SHARE of the frames were dropped."""
HEADROOM_SECONDS, HEADROOM_SHARE = 5.0, 0.8
"""It rises if, for HEADROOM_SECONDS seconds, the next higher one would have taken less than HEADROOM_SHARE of
the time.
"""
_FALLING: tuple[Detail, ...] = ("normal", "low", "full")


def possible_details(width: int, height: int) -> list[Detail]:
    """The details for a source of this size, the highest first. "full" is one where the source is smaller."""
    details: list[Detail] = []
    for detail in _FALLING:
        if not details or _pixels(width, height, detail) < _pixels(width, height, details[-1]):
            details.append(detail)
    return details


@dataclass(slots=True)
class DetailControl:
    """Chooses among `details`, the highest first, by how long frames take and how many are dropped.

    `width` and `height` are the source's. Times are seconds of one clock.
    """

    details: list[Detail]
    width: int
    height: int
    step: int = 0
    _frames: deque[tuple[float, float, int]] = field(default_factory=deque)  # when, seconds taken, dropped

    @property
    def detail(self) -> Detail:
        """The detail at present."""
        return self.details[self.step]

    def record(self, at: float, seconds: float, dropped: int) -> bool:
        """Note a frame that was drawn by `at`, took `seconds`, and came after `dropped` dropped ones.

        Returns whether the detail changes.
        """
        self._frames.append((at, seconds, dropped))
        while at - self._frames[0][0] > HEADROOM_SECONDS:
            self._frames.popleft()
        if self._is_late(at):
            return self._move(1)
        return self._has_headroom(at) and self._move(-1)

    def _is_late(self, at: float) -> bool:
        recent = [frame for frame in self._frames if at - frame[0] <= LATE]
        dropped = sum(frame[2] for frame in recent)
        is_known = at - self._frames[0][0] >= LATE * (1 - 1 / max(2, len(recent)))
        return is_known and dropped > LATE_SHARE * (dropped + len(recent))

    def _has_headroom(self, at: float) -> bool:
        if (
            self.step == 0
            or at - self._frames[0][0] < 0.9 * HEADROOM_SECONDS
            or any(frame[2] for frame in self._frames)
        ):
            return False
        higher = _pixels(self.width, self.height, self.details[self.step - 1])
        cost = higher / _pixels(self.width, self.height, self.detail)
        return cost * sum(frame[1] for frame in self._frames) < HEADROOM_SHARE * (at - self._frames[0][0])

    def _move(self, steps: int) -> bool:
        """Lower the detail by `steps`; a negative number raises it. Returns whether it changed."""
        before, self.step = self.step, min(len(self.details) - 1, max(0, self.step + steps))
        if self.step != before:
            self._frames.clear()
        return self.step != before


def _pixels(width: int, height: int, detail: Detail) -> int:
    drawn_width, drawn_height = draw_size(width, height, detail)
    return drawn_width * drawn_height
