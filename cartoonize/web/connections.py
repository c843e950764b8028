"""Closes idle connections, so that nobody can occupy all connections of the server."""

import socket
from asyncio import TimerHandle, Transport
from collections import Counter

from uvicorn.protocols.http.h11_impl import H11Protocol

from .visitors import is_loopback, network_of

HEADER_SECONDS = 10.0
"""Time for the header of a request. uvicorn has a limit between two requests only."""
STALL_SECONDS = 120.0
"""Time for a client to take what waits to be sent, about 100 KB, or to confirm any of it. A browser whose
video is paused for longer asks again for what it needs."""
PER_ADDRESS = 100
"""Connections of one address; a browser opens six. A proxy on this computer may have any number."""

_connections: Counter[str] = Counter()


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 with timeouts for headers and for what is sent, and a limit for each address."""

    _timer: TimerHandle | None = None  # until a header is complete
    _stall: TimerHandle | None = None  # until the client reads

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        _connections[self._address] += 1
        if _connections[self._address] > PER_ADDRESS and not is_loopback(self._address):
            transport.close()
        _detect_vanished(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        _connections[self._address] -= 1
        if not _connections[self._address]:
            del _connections[self._address]
        self._unwatch()
        self._end_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_busy():
            self._unwatch()
        else:
            self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall is None:  # `abort`, as `close` would wait for the client to read
            self._stall = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_stall()

    @property
    def _address(self) -> str:
        return network_of(self.client[0]) if self.client else ""

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

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


def _detect_vanished(transport: Transport) -> None:
    """Have the system end the connection of a client that has vanished; else it waits for 15 minutes."""
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        milliseconds = int(1000 * STALL_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
