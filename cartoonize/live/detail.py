"""Which detail a live picture is drawn at: the highest that keeps up with the source."""

from collections import deque
from dataclasses import dataclass, field

from ..core.choices import Detail
from ..core.draw_size import draw_size

LATE, LATE_SHARE = 1.0, 0.2
"""The detail falls when, over so many seconds, such a share of the frames came while the network was busy."""
ROOM, ROOM_SHARE = 5.0, 0.8
"""It rises when, for so many seconds, the next higher would have taken less than this share of the time."""
_FALLING: tuple[Detail, ...] = ("normal", "low", "full")


def possible_details(width: int, height: int) -> list[Detail]:
    """The details for a source of this size, the highest first; "full" where the source is smaller still."""
    found: list[Detail] = []
    for detail in _FALLING:
        if not found or _pixels(width, height, detail) < _pixels(width, height, found[-1]):
            found.append(detail)
    return found


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

    def drew(self, at: float, seconds: float, dropped: int) -> bool:
        """Note a frame drawn by `at`, which took `seconds`, and before which `dropped` were dropped.

        Returns whether the detail has changed with it.
        """
        self._frames.append((at, seconds, dropped))
        while at - self._frames[0][0] > ROOM:
            self._frames.popleft()
        if self._is_late(at):
            return self._go(1)
        return self._has_room(at) and self._go(-1)

    def _is_late(self, at: float) -> bool:
        recent = [frame for frame in self._frames if at - frame[0] <= LATE]
        dropped = sum(frame[2] for frame in recent)
        began = at - self._frames[0][0] >= LATE * (1 - 1 / max(2, len(recent)))
        return began and dropped > LATE_SHARE * (dropped + len(recent))

    def _has_room(self, at: float) -> bool:
        if self.step == 0 or at - self._frames[0][0] < 0.9 * ROOM or any(frame[2] for frame in self._frames):
            return False
        higher = _pixels(self.width, self.height, self.details[self.step - 1])
        cost = higher / _pixels(self.width, self.height, self.detail)
        return cost * sum(frame[1] for frame in self._frames) < ROOM_SHARE * (at - self._frames[0][0])

    def _go(self, down: int) -> bool:
        before, self.step = self.step, min(len(self.details) - 1, max(0, self.step + down))
        if self.step != before:
            self._frames.clear()
        return self.step != before


def _pixels(width: int, height: int, detail: Detail) -> int:
    drawn_width, drawn_height = draw_size(width, height, detail)
    return drawn_width * drawn_height
