"""The visitors of the page: a cookie tells them apart, and each gets a share of the server.

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
QUEUED = 4
"""Files of one visitor that may be in the queue at once."""
QUEUED_BY_ADDRESS = 16
REQUESTS = 60
"""Requests that one visitor, or one address, may have open at once; a page has two, and six to load."""
PATIENCE = 30.0
"""Seconds for which a queued file is kept while its page is not connected."""
_SESSIONS = 10_000
"""Pages that are remembered, the latest ones."""


@dataclass(slots=True)
class _Session:
    """An open page. `heard` is the `time.monotonic()` of its last sign of life."""

    visitor: str
    address: str
    listeners: int = 0
    heard: float = field(default_factory=time.monotonic)


def read_cookie(cookies: dict[str, str]) -> str | None:
    """The visitor's secret; None if the browser keeps no cookies."""
    return cookies.get(COOKIE)


class Visitors:
    """The open pages, their owners, and each visitor's open requests and queued files."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}
        self._open: Counter[str] = Counter()

    def claim(self, session: str, visitor: str | None, address: str) -> bool:
        """Whether a page is the visitor's: it belongs to the first one who names it."""
        if visitor is None:
            return False
        known = self._sessions.setdefault(session, _Session(visitor, address))
        while len(self._sessions) > _SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        if known.visitor != visitor:
            return False
        known.heard = time.monotonic()
        return True

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
    def listen(self, session: str) -> Iterator[None]:
        """Note that a page waits for its result while the block runs."""
        known = self._sessions.get(session)
        if known is None:
            yield
            return
        known.listeners += 1
        try:
            yield
        finally:
            known.listeners -= 1
            known.heard = time.monotonic()

    def is_waiting(self, session: str, clock: Callable[[], float] = time.monotonic) -> bool:
        """Whether a page still waits for its result."""
        known = self._sessions.get(session)
        return known is not None and (known.listeners > 0 or clock() - known.heard < PATIENCE)

    def may_queue(self, visitor: str, address: str, queued: list[str]) -> bool:
        """Whether a visitor may add a file to a queue that holds files of these sessions."""
        sessions = [self._sessions[session] for session in queued if session in self._sessions]
        own = sum(session.visitor == visitor for session in sessions)
        near = sum(session.address == address for session in sessions)
        return own < QUEUED and (is_loopback(address) or near < QUEUED_BY_ADDRESS)

    def neighbours(self, visitor: str, address: str) -> set[str]:
        """The visitors who share an address with this one, itself included."""
        if is_loopback(address):
            return {visitor}
        return {visitor} | {known.visitor for known in self._sessions.values() if known.address == address}


def is_loopback(address: str) -> bool:
    """Whether an address is one of this computer."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
