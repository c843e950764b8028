"""Connections and requests: how many an address may have, and how long they may do nothing."""

import asyncio
import socket
import time
from contextlib import suppress

import httpx
import pytest
from pages import send, serving
from PIL import Image

from cartoonize.web import access, connections
from cartoonize.web.visitors import Visitors

ADDRESS, OTHER_ADDRESS = "127.0.0.1", "192.0.2.7"


def test_requests_are_counted():
    """A visitor has a limit of open requests, and so has an address, with any cookies."""
    all_visitors = Visitors()

    def open_many(visitor, address, count):
        if not count:
            return True
        with all_visitors.open_request(visitor, address) as within:
            return within and open_many(visitor, address, count - 1)

    assert open_many("visitor", ADDRESS, 60)
    assert not open_many("visitor", ADDRESS, 61)
    assert open_many(None, ADDRESS, 100)
    assert not open_many(None, OTHER_ADDRESS, 61)
    assert not all_visitors._open


def test_silent_connections_are_closed(tmp_path):
    """A connection that sends no header, or not the whole of it, is closed; one at work is not."""
    assert connections.HEADER_SECONDS == 10
    seconds = 1  # the test need not take as long
    sooner = f"from cartoonize.web import connections; connections.HEADER_SECONDS = {seconds}"
    with (
        serving(tmp_path, before=sooner) as served,
        socket.create_connection(("localhost", httpx.URL(served.url).port)) as silent,
        socket.create_connection(("localhost", httpx.URL(served.url).port)) as slow,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        began = time.monotonic()
        with httpx.Client(base_url=served.url) as client:
            client.get("/")
            with client.stream("GET", "/api/events") as events:
                for connection in (silent, slow):
                    connection.settimeout(seconds + 10)
                    assert connection.recv(1000) == b""
                assert time.monotonic() - began > seconds / 2
                assert next(events.iter_lines()) == 'data: {"files":[],"jobs":[]}'


@pytest.mark.parametrize(
    "lines", [b"a:\r\n" * 16_000, b"Cookie: a=b\r\n" * 101, b"a: " + b"b" * 60_000 + b"\r\n"]
)
def test_headers_are_limited(served, lines):
    """A header of more than 100 lines or 48 KB is refused before it is parsed, whatever the method."""
    for method in (b"GET", b"HEAD", b"POST"):
        with socket.create_connection(("localhost", httpx.URL(served.url).port)) as connection:
            connection.sendall(method + b" / HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
    long_headers = {f"X-Header-{number}": "a" * 200 for number in range(90)}
    assert httpx.get(served.url, headers=long_headers).status_code == 200


def test_connections_of_an_address_are_limited(monkeypatch):
    """Further connections of an address are closed at once, except those of this computer."""
    from uvicorn import Config
    from uvicorn.server import ServerState

    class Loop:
        def call_later(self, *_):
            return type("Timer", (), {"cancel": lambda _: None})()

    class Transport:
        closed = False

        def __init__(self, address):
            self._address = address

        def get_extra_info(self, name):
            return {"peername": (self._address, 1), "sockname": ("192.0.2.1", 7860)}.get(name)

        def close(self):
            self.closed = True

    monkeypatch.setattr(connections, "PER_ADDRESS", 2)
    config = Config(lambda: None, log_level="error")
    config.load()

    def connect(address):
        guard = connections.GuardedProtocol(config, ServerState(), {}, _loop=Loop())
        transport = Transport(address)
        guard.connection_made(transport)
        return guard, transport

    far = [connect(OTHER_ADDRESS) for _ in range(3)]
    near = [connect(ADDRESS) for _ in range(5)]
    assert [transport.closed for _, transport in far] == [False, False, True]
    assert not any(transport.closed for _, transport in near)
    for guard, _ in (*far, *near):
        guard.connection_lost(None)
    assert not connections._connections


def test_downloads_that_nobody_reads_are_cut(tmp_path):
    """A client that stops reading loses the connection after two minutes; the others are not affected."""
    assert connections.STALL_SECONDS == 120
    sooner = """
import sys
from cartoonize.web import connections
def lose(self, error, lose=connections.GuardedProtocol.connection_lost):
    lose(self, error)
    print("lost", self.client[1], file=sys.stderr, flush=True)
connections.STALL_SECONDS, connections.GuardedProtocol.connection_lost = 1, lose
"""
    picture = tmp_path / "picture.bmp"
    Image.new("RGB", (2000, 2000)).save(picture)  # 12 MB, more than the system buffers
    with (
        serving(tmp_path, before=sooner) as served,
        httpx.Client(base_url=served.url) as client,
        socket.socket() as stalled,
    ):
        client.get("/")
        file = send(client, picture)
        stalled.settimeout(10)
        stalled.connect(("localhost", httpx.URL(served.url).port))
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        stalled.sendall(
            f"GET /api/files/{file} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n".encode()
        )
        received = len(stalled.recv(1))  # from now on it reads nothing
        assert f"lost {stalled.getsockname()[1]}\n" in served.process.stderr
        with suppress(ConnectionResetError):
            while data := stalled.recv(1 << 20):
                received += len(data)
        assert received < picture.stat().st_size
        assert len(client.get(f"/api/files/{file}").content) == picture.stat().st_size


def test_uploads_do_not_trickle_for_ever(monkeypatch):
    """A body has half a minute for its next bytes and an hour in all, however slowly they come."""
    assert (access._SILENCE, access._BODY) == (30, 3600)
    monkeypatch.setattr(access, "_BODY", 0.2)

    async def trickle():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read():
        receive = access._with_timeout(trickle)
        for _ in range(100):
            await receive()

    with pytest.raises(TimeoutError):
        asyncio.run(read())
