"""Access control: which requests are accepted, and from which visitor they are.

Every response gets headers with which browsers load nothing from other servers, unless it has its own. A
cookie identifies the visitor. access_key.py checks the key of the page.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access_key import AccessKey, set_cookie
from .visitors import COOKIE, Visitors, network_of

_SILENCE = 30.0  # seconds for which a body may be interrupted
_BODY = 3600.0  # seconds for a whole body, as long as a file is kept
_SECRET = re.compile(r"[A-Za-z0-9_-]{20,100}")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]@/?#\\\s]+)(:[0-9]{1,5})?")
_HEADERS = {
    "Cache-Control": "no-cache",  # or browsers would mix the files of two versions after an upgrade
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class AccessControl:
    """Middleware: refuses requests of other sites and beyond a visitor's share, and identifies visitors.

    Handlers read `request.state.visitor`, the visitor's secret, and `request.state.is_known`: whether the
    browser sent it. `hosts` are the names that the server has; None allows all. (A foreign site can resolve
    its own name to this computer, to read its pages.) `key` is the key that requests need.
    """

    def __init__(
        self, app: ASGIApp, visitors: Visitors, hosts: Collection[str] | None, key: AccessKey
    ) -> None:
        self._app, self._visitors, self._hosts, self._key = app, visitors, hosts, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = Request(scope)
        cookie = request.cookies.get(COOKIE)
        known = cookie if cookie and _SECRET.fullmatch(cookie) else None
        if refusal := self._check(request):
            await refusal(scope, receive, _with_headers(send))
            return
        response, key_cookie = self._key.check(request)
        if response is not None:
            await response(scope, receive, _with_headers(send, key_cookie))
            return
        address = address_of(request)
        with self._visitors.open_request(known, address) as within_share:
            if not within_share:
                await refuse("You have too many requests open.", 429)(scope, receive, _with_headers(send))
                return
            visitor = known or secrets.token_urlsafe(32)
            if known:
                self._visitors.record_activity(visitor, address)
            scope.setdefault("state", {}).update(visitor=visitor, is_known=known is not None)
            is_new = known is None and (request.method == "POST" or request.url.path == "/")
            cookies = set_cookie(COOKIE, visitor) if is_new else None, key_cookie
            await self._app(scope, _with_timeout(receive), _with_headers(send, *cookies))

    def _check(self, request: Request) -> Response | None:
        """A refusal, or None."""
        if self._hosts is not None:
            # Not `request.url.hostname`, which is the server's own name if the header is malformed.
            host = _HOST.fullmatch(request.headers.get("host", "").lower())
            if host is None:
                return refuse("The name of the host is malformed.", 400)
            if host["name"].strip("[]") not in self._hosts:
                return refuse("This page is for its own computer only.", 403)
        if _is_foreign(request):
            return refuse("Other sites cannot use this page.", 403)
        return None


def refuse(message: str, status: int) -> Response:
    """A response with an error, as a sentence."""
    return JSONResponse({"error": message}, status)


def address_of(request: Request) -> str:
    """The visitor's network address; of IPv6 its network."""
    return network_of(request.client.host) if request.client else ""


def _is_foreign(request: Request) -> bool:
    """Whether the page of another site sends the request. A web server in front has its own name."""
    origin = request.headers.get("origin")
    if origin is None:
        return False
    own = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    try:
        return urlsplit(origin).netloc not in own
    except ValueError:
        return True


def _with_timeout(receive: Receive) -> Receive:
    """Wrap `receive`: it raises TimeoutError if the sender of a body pauses, or sends, for too long."""
    complete, latest = False, time.monotonic() + _BODY

    async def receive_in_time() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        message = await asyncio.wait_for(receive(), min(_SILENCE, latest - time.monotonic()))
        complete = not message.get("more_body", False)
        return message

    return receive_in_time


def _with_headers(send: Send, *cookies: str | None) -> Send:
    async def respond(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            for cookie in filter(None, cookies):
                headers.append("Set-Cookie", cookie)
        await send(message)

    return respond
