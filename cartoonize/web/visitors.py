"""The visitors of the page: a cookie identifies them, and each gets a share of the server.

A visitor who deletes the cookie is a new one, so that shares count by network address too, except for
addresses of this computer: a web server in front of the page has one of these unless it sends
X-Forwarded-For.
"""

import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

COOKIE = "cartoonize_visitor"
REQUESTS = 60
"""Requests that one visitor, or one address, may have open at once; a page has one, and six to load."""
PATIENCE = 30.0
"""Seconds for which the files of a visitor stay in the queue while no page and no client is connected."""
PATIENCE_AFTER_LEAVING = 3.0
"""The same after a page said that it is being closed. A page that is loaded again asks for files before."""
_REMEMBERED = 10_000
"""Visitors who are kept although they no longer wait, the most recently active ones; those who wait always
are."""


@dataclass(slots=True)
class Presence:
    """Whether a visitor is present. `last_seen` is the `time.monotonic()` of the last activity."""

    address: str
    listeners: int = 0
    last_seen: float = field(default_factory=time.monotonic)
    patience: float = PATIENCE


class Visitors:
    """The visitors who are present, with their addresses and open requests."""

    def __init__(self) -> None:
        self._known: dict[str, Presence] = {}
        self._open: Counter[str] = Counter()
        self._most = _REMEMBERED

    def record_activity(self, visitor: str, address: str) -> None:
        """Record an activity. If there are too many visitors, those who no longer wait are removed."""
        presence = self._known.pop(visitor, None) or Presence(address)
        presence.address, presence.last_seen, presence.patience = address, time.monotonic(), PATIENCE
        self._known[visitor] = presence
        if len(self._known) > self._most:
            self._forget()

    @contextmanager
    def open_request(self, visitor: str | None, address: str) -> Iterator[bool]:
        """Count a request while the block runs; yields whether it is within the visitor's share."""
        keys = [key for key in (visitor, None if is_loopback(address) else address) if key]
        self._open.update(keys)
        try:
            yield all(self._open[key] <= REQUESTS for key in keys)
        finally:
            self._open.subtract(keys)
            for key in keys:
                if not self._open[key]:
                    del self._open[key]

    @contextmanager
    def listen(self, visitor: str) -> Iterator[None]:
        """Note that a visitor waits for results while the block runs."""
        presence = self._known.setdefault(visitor, Presence(""))
        presence.listeners += 1
        try:
            yield
        finally:
            presence.listeners -= 1
            presence.last_seen = time.monotonic()

    def leave(self, visitor: str) -> None:
        """Note that a page of the visitor is being closed, or loaded again."""
        if presence := self._known.get(visitor):
            presence.last_seen, presence.patience = time.monotonic(), PATIENCE_AFTER_LEAVING

    def is_waiting(self, visitor: str, clock: Callable[[], float] = time.monotonic) -> bool:
        """Whether a visitor still waits for results."""
        presence = self._known.get(visitor)
        if presence is None:
            return False
        return presence.listeners > 0 or clock() - presence.last_seen < presence.patience

    def neighbours(self, visitor: str, address: str) -> set[str]:
        """The visitors who share an address with this one, itself included."""
        if is_loopback(address):
            return {visitor}
        return {visitor} | {name for name, known in self._known.items() if known.address == address}

    def _forget(self) -> None:
        """Remove visitors who do not wait, the least recently active ones first, to half of the limit.

        Those who wait stay. Otherwise many requests, each with a new cookie, would stop others' conversions.
        """
        inactive = [visitor for visitor in self._known if not self.is_waiting(visitor)]
        for visitor in inactive[: len(self._known) - _REMEMBERED // 2]:
            del self._known[visitor]
        self._most = max(_REMEMBERED, 2 * len(self._known))


def network_of(address: str) -> str:
    """The address, or the /64 network of an IPv6 address: one home or one machine may use all of that."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.is_loopback:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed.packed[:8] + bytes(8), 64)))


def is_loopback(address: str) -> bool:
    """Whether an address is one of this computer."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
