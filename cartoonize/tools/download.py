"""One file from a server that is not trusted: by https only, with limits of size, time and redirects."""

import ipaddress
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException, HTTPMessage
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
from ..version import __version__

SILENCE = 30  # seconds without a byte after which a server is given up
REDIRECTS = 5
_CHUNK = 1 << 18

Progress = Callable[[int, int | None], None]


def is_address(place: str) -> bool:
    """Whether it is an address on the web, of whatever kind, and not the path of a file."""
    return "://" in place


def public_part(url: str) -> str:
    """The address without what may be secret in it: a password, or a signature behind the question mark."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def download(url: str, target: Path, *, limit: int, progress: Progress | None = None) -> None:
    """Write what stands under an address to `target`.

    Args:
        url: https; plain http only from this machine itself.
        target: the file to write.
        limit: bytes; more are refused, as soon as the server tells of them or sends them.
        progress: is told how many bytes have come, and of how many, if the server says.

    Raises:
        ModelError: the address is of another kind, or nothing whole and within the limit came from it.
        WriteError: the file cannot be written.
    """
    _check(url)
    shown = public_part(url)
    request = Request(url, headers={"User-Agent": f"cartoonize/{__version__}"})  # noqa: S310  # checked
    try:
        with closing(_opener().open(request, timeout=SILENCE)) as answer, target.open("wb") as file:
            told = _length(answer.headers, shown, limit)
            done = _copy(answer, file, shown, limit, lambda done: progress and progress(done, told))
    except HTTPError as error:
        error.close()
        raise ModelError(f"Cannot download {shown}: {error.code} {error.reason}.") from error
    except (HTTPException, ValueError, OSError) as error:  # URLError, of most failures, is an OSError
        reason = getattr(error, "reason", None) or error
        raise ModelError(f"Cannot download {shown}: {reason}.") from error
    if told is not None and done != told:
        raise ModelError(f"Cannot download {shown}: it ended after {done:,} of {told:,} bytes.")


def _check(url: str) -> None:
    """Raise ModelError unless the address is one of https, or of http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ModelError(f"{url!r} is no address: {error}.") from error
    if parts.scheme not in ("https", "http") or not host:
        raise ModelError(f"Styles are fetched by https:// only, not from {public_part(url)}.")
    if parts.scheme == "http" and not _is_here(host):
        raise ModelError(
            f"{public_part(url)} would come unprotected, and anybody on the way could change it; use https://."
        )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Redirects(HTTPRedirectHandler):
    max_redirections = REDIRECTS

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Follow to where the user could have pointed too, but never from https to http."""
        try:
            _check(newurl)
            if req.type == "https" and urlsplit(newurl).scheme != "https":
                raise ModelError(f"{public_part(req.full_url)} leads from https to {public_part(newurl)}.")
        except ModelError:
            fp.close()  # which urllib does only where the way goes on
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> OpenerDirector:
    """Knows http, https and the system's proxies; urllib's own also opens file:, ftp: and data:."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), _Redirects(),
        HTTPErrorProcessor(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


def _length(headers: HTTPMessage, shown: str, limit: int) -> int | None:
    """How many bytes the server tells of, if it does."""
    if headers.get_content_type() == "text/html":
        raise ModelError(f"{shown} is a web page; give the address of the file itself.")
    told = headers.get("Content-Length", "")
    length = int(told) if told.isascii() and told.isdigit() else None
    if length is not None and length > limit:
        raise ModelError(_too_large(shown, limit))
    return length


def _copy(answer: Any, file: IO[bytes], shown: str, limit: int, progress: Callable[[int], Any]) -> int:
    done = 0
    while chunk := answer.read(_CHUNK):
        done += len(chunk)
        if done > limit:
            raise ModelError(_too_large(shown, limit))
        try:
            file.write(chunk)
        except OSError as error:
            raise WriteError.from_os_error(Path(file.name), error) from error
        progress(done)
    return done


def _too_large(shown: str, limit: int) -> str:
    return f"{shown} is larger than {limit >> 20} MB, which no style is."
