"""Closes idle connections and refuses long headers, so that nobody can occupy the server."""

import re
import socket
from asyncio import TimerHandle, Transport
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .visitors import is_loopback, network_of

HEADER_SECONDS = 10.0
"""Time for the header of a request. uvicorn has a limit between two requests only."""
STALL_SECONDS = 120.0
"""Time for a client to take the bytes that wait, about 100 KB, or to confirm some. A browser whose
video is paused for longer asks again for what it needs."""
HEADER_BYTES, HEADER_LINES = 1 << 15, 100
"""Limits of a header. Thousands of lines occupied the server for a second; browsers send about 40."""
PER_ADDRESS = 100
"""Connections of one address; a browser opens six. A proxy on this computer may have any number."""

_PIECE = 1 << 14  # bytes that are parsed at once: h11 limits only what is incomplete after each
_HEADER_END = re.compile(rb"\n\r?\n")
_connections: Counter[str] = Counter()


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 with limits and timeouts for headers, timeouts for sending, and a limit for each address."""

    _timer: TimerHandle | None = None  # until a header is complete
    _stall: TimerHandle | None = None  # until the client reads

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = _LimitedConnection(h11.SERVER, HEADER_BYTES)

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
        for start in range(0, len(data), _PIECE):
            super().data_received(data[start : start + _PIECE])
            if self.transport.is_closing():
                return
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


class _LimitedConnection(h11.Connection):
    """Refuses requests with too many lines in the header."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        # Before the header is parsed: the refusal of a parsed HEAD request must have no text.
        if self.their_state is h11.IDLE:
            header = _HEADER_END.split(self.trailing_data[0], maxsplit=1)[0]
            if header.count(b"\n") > HEADER_LINES:
                raise h11.RemoteProtocolError("The header has too many lines.", error_status_hint=431)
        return super().next_event()


def _detect_vanished(transport: Transport) -> None:
    """Have the system end the connection of a client that has vanished; by default it waits 15 minutes."""
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        milliseconds = int(1000 * STALL_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
