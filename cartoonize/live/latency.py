"""How long frames are under way, and how many come out."""

import time
from collections import Counter, deque

_RECENT = 100  # frames that the line on the terminal tells of


class LatencyMeter:
    """Latencies of frames, from the last of their bytes in to the whole of them out, to the millisecond.

    What it needs does not grow with the number of frames.
    """

    def __init__(self) -> None:
        self.frames, self.dropped = 0, 0
        self._all: Counter[int] = Counter()
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)

    def out(self, arrived: float) -> None:
        """Count a frame that is out now; `arrived` is the `time.monotonic()` of its coming in."""
        now = time.monotonic()
        took = round(1000 * (now - arrived))
        self.frames += 1
        self._all[took] += 1
        self._recent.append((now, took))

    def latency(self) -> dict[str, int]:
        """Milliseconds, over all frames: half of them took no more than the median, 95 % no more than p95."""
        return {name: _quantile(self._all, share) for name, share in _SHARES.items()}

    def line(self) -> str:
        """The last frames in a line for people."""
        if not self._recent:
            return "waiting for the first frame"
        (began, _), (ended, _) = self._recent[0], self._recent[-1]
        rate = (len(self._recent) - 1) / (ended - began) if ended > began else 0.0
        took = Counter(took for _, took in self._recent)
        median, late = _quantile(took, _SHARES["median"]), _quantile(took, _SHARES["p95"])
        return f"{rate:.1f} frames/s, {median} ms behind (95 %: {late} ms), {self.dropped} dropped"


_SHARES = {"median": 0.5, "p95": 0.95, "most": 1.0}


def _quantile(counts: Counter[int], share: float) -> int:
    """The smallest value that at least this share of all does not pass; 0 of nothing."""
    reached = 0
    for value in sorted(counts):
        reached += counts[value]
        if reached >= share * counts.total():
            return value
    return 0
