"""Downloads one file from an untrusted server: https only, with limits of size, time and redirects."""

import io
import ipaddress
import socket
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from ..core.errors import ModelError, WriteError
from ..core.secrets import hide_secrets
from ..version import __version__

SILENCE_TIMEOUT = 30
"""Seconds without a byte after which a download ends."""
TIMEOUT = 1800
"""Seconds that a download may take in all, redirects included: 256 MB at 150 kB/s."""
MAX_REDIRECTS = 5
_CHUNK = 1 << 18

Progress = Callable[[int, int | None], None]
"""Called with the number of bytes that have arrived, and with that of all bytes, None if unknown."""


def is_url(location: str) -> bool:
    """Whether it is an address on the web, of any scheme, and not the path of a file."""
    return "://" in location


def without_secrets(url: str) -> str:
    """The address without user name, password and query, which may hold a signature."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def download(url: str, target: Path, *, limit: int, progress: Progress | None = None) -> None:
    """Write the file at an address to `target`.

    Args:
        url: https; plain http only from this machine itself.
        target: the file to write.
        limit: bytes. A larger file is refused as soon as the server announces or sends more.
        progress: see Progress.

    Raises:
        ModelError: the address is of another scheme, or no complete file within the limits came from it.
        WriteError: the file cannot be written.
    """
    check_url(url)
    name = without_secrets(url)
    request = Request(url, headers={"User-Agent": f"cartoonize/{__version__}"})  # noqa: S310  # checked
    opener = _opener(deadline=time.monotonic() + TIMEOUT)
    try:
        with closing(opener.open(request, timeout=SILENCE_TIMEOUT)) as response, target.open("wb") as file:
            total = _content_length(response.headers, name, limit)
            size = _copy(response, file, name, limit, lambda size: progress and progress(size, total))
    except HTTPError as error:
        error.close()
        raise ModelError(f"Cannot download {name}: {error.code} {error.reason}.") from error
    except (HTTPException, ValueError, OSError) as error:  # URLError, of most failures, is an OSError
        reason = getattr(error, "reason", None) or error
        raise ModelError(f"Cannot download {name}: {reason}.") from error
    if total is not None and size != total:
        raise ModelError(f"Cannot download {name}: it ended after {size:,} of {total:,} bytes.")


def check_url(url: str) -> None:
    """Raise ModelError unless the address is https, or http on this machine, without a user name."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ModelError(f"{hide_secrets(url)!r} is not an address: {error}.") from error
    if parts.scheme not in ("https", "http") or not host:
        raise ModelError(f"Styles are downloaded by https:// only, not from {without_secrets(url)}.")
    if "@" in parts.netloc:
        raise ModelError(
            f"{without_secrets(url)}: addresses with a user name or a password are not supported; download "
            "the file another way, and add it by its path."
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise ModelError(
            f"{without_secrets(url)} is not encrypted, and anybody on the way could change it; use https://."
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Redirects(HTTPRedirectHandler):
    max_redirections = MAX_REDIRECTS

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Follow to addresses that the user could have given too, but never from https to http."""
        try:
            check_url(newurl)
            if req.type == "https" and urlsplit(newurl).scheme != "https":
                raise ModelError(
                    f"{without_secrets(req.full_url)} leads from https to {without_secrets(newurl)}."
                )
        except ModelError:
            fp.close()  # urllib closes it only where it follows
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a deadline of time.monotonic(); then reading raises TimeoutError.

    A socket's own timeout is for each byte: a server that sends one every 29 seconds would never meet it.
    """

    def __init__(self, connection: socket.socket, received: io.RawIOBase, deadline: float) -> None:
        self._connection, self._received, self._deadline = connection, received, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left > 0:
            self._connection.settimeout(min(SILENCE_TIMEOUT, left))
            try:
                return self._received.readinto(buffer)
            except TimeoutError:
                if left > SILENCE_TIMEOUT:
                    raise
        raise TimeoutError(f"it took more than {TIMEOUT / 60:g} minutes")

    def close(self) -> None:
        self._received.close()
        super().close()


def _opener(deadline: float) -> OpenerDirector:
    """An opener of http and https with the system's proxies; the one of urllib opens file: and ftp: too."""

    class Response(HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach(), deadline))

    class Connection(HTTPConnection):
        response_class = Response

    class SecureConnection(HTTPSConnection):
        response_class = Response

    class Http(HTTPHandler):
        def http_open(self, req: Request) -> HTTPResponse:
            return self.do_open(Connection, req)

    class Https(HTTPSHandler):
        def https_open(self, req: Request) -> HTTPResponse:
            return self.do_open(SecureConnection, req)  # which verifies certificates by default

    opener = OpenerDirector()
    for handler in (
        ProxyHandler(), Http(), Https(), HTTPDefaultErrorHandler(), _Redirects(), HTTPErrorProcessor(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


def _content_length(headers: HTTPMessage, name: str, limit: int) -> int | None:
    """The number of bytes that the server announces, if it does."""
    if headers.get_content_type() == "text/html":
        raise ModelError(f"{name} is a web page; give the address of the file itself.")
    text = headers.get("Content-Length", "")
    length = int(text) if text.isascii() and text.isdigit() else None
    if length is not None and length > limit:
        raise ModelError(too_large_message(name, limit))
    return length


def _copy(response: Any, file: IO[bytes], name: str, limit: int, progress: Callable[[int], Any]) -> int:
    """Write the response to a file; return the number of bytes."""
    size = 0
    while chunk := response.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise ModelError(too_large_message(name, limit))
        try:
            file.write(chunk)
        except OSError as error:
            raise WriteError.from_os_error(Path(file.name), error) from error
        progress(size)
    return size


def too_large_message(name: object, limit: int) -> str:
    """Return the sentence for a file of more than `limit` bytes."""
    return f"{name} is larger than {limit >> 20} MB, the limit for a style."
