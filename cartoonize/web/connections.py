"""Closes idle connections, so that nobody can occupy all connections of the server."""

from asyncio import TimerHandle, Transport
from collections import Counter

from uvicorn.protocols.http.h11_impl import H11Protocol

from .visitors import is_loopback

HEADER_SECONDS = 10.0
"""Time for the header of a request. uvicorn has a limit between two requests only."""
PER_ADDRESS = 100
"""Connections of one address; a browser opens six. A proxy on this computer may have any number."""

_connections: Counter[str] = Counter()


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 with a timeout for headers and a limit for each address."""

    _timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        _connections[self._address] += 1
        if _connections[self._address] > PER_ADDRESS and not is_loopback(self._address):
            transport.close()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        _connections[self._address] -= 1
        if not _connections[self._address]:
            del _connections[self._address]
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_busy():
            self._unwatch()
        else:
            self._watch()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
