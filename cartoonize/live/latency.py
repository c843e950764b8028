"""Measures the latency and the rate of live frames."""

import time
from collections import Counter, deque

_RECENT = 100  # frames that the line on the terminal sums up
_SHARES = {"median": 0.5, "p95": 0.95, "max": 1.0}


class LatencyMeter:
    """Latencies of frames in milliseconds: from the last received byte of a frame until it is written.

    Its memory does not grow with the number of frames.
    """

    def __init__(self) -> None:
        self.frames, self.dropped = 0, 0
        self._all: Counter[int] = Counter()
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)

    def record(self, arrived: float) -> None:
        """Count a frame that is out now; `arrived` is the `time.monotonic()` at which it came in."""
        now = time.monotonic()
        latency = round(1000 * (now - arrived))
        self.frames += 1
        self._all[latency] += 1
        self._recent.append((now, latency))

    def quantiles(self) -> dict[str, int]:
        """Milliseconds over all frames: half of them took at most the median, 95 % at most p95."""
        return {name: _quantile(self._all, share) for name, share in _SHARES.items()}

    def line(self) -> str:
        """The figures of the latest frames, as one line for the terminal."""
        if not self._recent:
            return "waiting for the first frame"
        (first, _), (last, _) = self._recent[0], self._recent[-1]
        rate = (len(self._recent) - 1) / (last - first) if last > first else 0.0
        latencies = Counter(latency for _, latency in self._recent)
        median, p95 = _quantile(latencies, _SHARES["median"]), _quantile(latencies, _SHARES["p95"])
        return f"{rate:.1f} frames/s, {median} ms behind (95 %: {p95} ms), {self.dropped} dropped"


def _quantile(counts: Counter[int], share: float) -> int:
    """The smallest value that at least this share of all does not exceed; 0 if there is none."""
    reached = 0
    for value in sorted(counts):
        reached += counts[value]
        if reached >= share * counts.total():
            return value
    return 0
