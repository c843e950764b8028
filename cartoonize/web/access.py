"""Access control: which requests are let through, and which files they may name.

Gradio's server does much more than this page needs: it fetches addresses for visitors, lists its functions,
and serves any file that it holds to whoever names it. Here only the requests of the page are let through, and
files only to the visitor who owns them.
"""

import asyncio
import json
import mimetypes
import secrets
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.errors import MediaError, SpaceError
from .folders import Folders
from .gradio_server import (
    HEARTBEAT,
    JOIN_QUEUE,
    PAGE_REQUESTS,
    READ_QUEUE,
    RUN,
    UPLOAD,
    GradioServer,
    save_upload,
)
from .limits import LimitError, Limits
from .visitors import COOKIE, Visitors, read_cookie

_MAX_BODY = 1 << 20  # bytes of all requests but uploads
_MAX_NAME = 200  # characters of the names in a request
_FORM = 4096  # bytes of an upload that are not the file
_SHARE = 10  # uploads of the largest size that a visitor may keep
_SILENCE = 30.0  # seconds for which a body may be interrupted
_HEADERS = {
    # Nothing is loaded from elsewhere, and nothing sent there. Gradio makes functions of its templates.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class AccessControl:
    """Middleware: lets the requests of the page through, unless they name what is another visitor's.

    A visitor may name own files only, and only sessions, which are Gradio's name for an open page, that
    nobody else was first to name. `hosts` are the names that the server has; None allows all. (A foreign site
    can have its own name lead to this computer, to read what is here.)
    """

    def __init__(
        self,
        app: ASGIApp,
        folders: Folders,
        visitors: Visitors,
        gradio: GradioServer,
        hosts: Collection[str] | None = None,
    ) -> None:
        self._app, self._folders, self._visitors = app, folders, visitors
        self._gradio, self._hosts = gradio, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = Request(scope, _impatient(receive))
        visitor = read_cookie(request.cookies)
        is_new = visitor is None and request.url.path == "/"
        respond = _with_headers(send, secrets.token_urlsafe(32) if is_new else None)
        with ExitStack() as stack:
            within_share = stack.enter_context(self._visitors.open_request(visitor, address_of(request)))
            refusal, body = await self._check(request, visitor) if within_share else (_too_many(), None)
            if refusal:
                await refusal(scope, receive, respond)
                return
            if request.url.path == READ_QUEUE:
                stack.enter_context(self._visitors.listen(request.query_params.get("session_hash", "")))
            await self._app(scope, receive if body is None else _replay(body, receive), respond)

    async def _check(self, request: Request, visitor: str | None) -> tuple[Response | None, bytes | None]:
        """A refusal, or None; and the body, if it had to be read."""
        path = request.url.path
        if self._hosts is not None and request.url.hostname not in self._hosts:
            return PlainTextResponse("This page is for its own computer only.", 403), None
        if not PAGE_REQUESTS.fullmatch(f"{request.method.replace('HEAD', 'GET')} {path}"):
            return PlainTextResponse("There is nothing here.", 404), None
        if request.method != "POST" or path == UPLOAD:
            session = request.query_params.get("session_hash") or _remainder(path, HEARTBEAT)
            return (None if not session or self._claims(request, session, visitor) else _forbidden()), None
        try:
            entries = _parse(await _read(request))
        except (ValueError, RecursionError, ClientDisconnect, TimeoutError):
            return _malformed(), None
        return self._check_entries(request, entries, visitor), json.dumps(entries).encode()

    def _check_entries(
        self, request: Request, entries: dict[str, Any], visitor: str | None
    ) -> Response | None:
        """A refusal unless all files and the session in a request are the visitor's; None if they are."""
        if visitor is None or not all(self._folders.find_own(visitor, path) for path in _paths(entries)):
            return _forbidden()
        path, session = request.url.path, entries.get("session_hash")
        calls = path == JOIN_QUEUE or path.startswith(RUN)
        if calls and (session is None or not self._gradio.is_call(entries, queued=path == JOIN_QUEUE)):
            return _malformed()
        if session is not None and not self._claims(request, session, visitor):
            return _forbidden()
        queued = self._gradio.queued_sessions()
        if path == JOIN_QUEUE and not self._visitors.may_queue(visitor, address_of(request), queued):
            return JSONResponse({"detail": "Several of your files wait already; let one end first."}, 429)
        return None

    def _claims(self, request: Request, session: str, visitor: str | None) -> bool:
        return self._visitors.claim(session, visitor, address_of(request))


class FileRoutes:
    """The routes for files: uploads, and downloads of a visitor's own files."""

    def __init__(self, folders: Folders, visitors: Visitors, limits: Limits) -> None:
        self._folders, self._visitors, self._limits = folders, visitors, limits

    async def upload(self, request: Request) -> Response:
        """Keep the files of a request in a folder of the visitor; responds with the paths, as Gradio does."""
        visitor, length = read_cookie(request.cookies), request.headers.get("content-length", "")
        if visitor is None:
            return PlainTextResponse("This page needs a cookie, to know whose files are whose.", 403)
        if not (length.isascii() and length.isdecimal()):
            return PlainTextResponse("The length is missing.", 411)
        try:
            self._limits.check_size(int(length) - _FORM)
            return JSONResponse(await self._save(request, visitor, int(length)))
        except SpaceError as error:
            return PlainTextResponse(str(error), 507)
        except LimitError as error:
            return PlainTextResponse(str(error), 413)
        except MediaError as error:
            return PlainTextResponse(str(error), 400)
        except (ClientDisconnect, TimeoutError):
            return PlainTextResponse("The upload was interrupted.", 400)

    async def _save(self, request: Request, visitor: str, length: int) -> list[str]:
        share, neighbours = (
            _SHARE * self._limits.upload,
            self._visitors.neighbours(visitor, address_of(request)),
        )
        with (
            self._folders.reserve(visitor, length, share=share, neighbours=neighbours),
            self._folders.new_or_none(visitor) as folder,
        ):
            patient = Request(request.scope, _impatient(request.receive))
            return await save_upload(patient, folder, self._limits.upload)

    async def file(self, request: Request) -> Response:
        """Respond with one of the visitor's own files, and with 404 for any other."""
        visitor = read_cookie(request.cookies)
        path = self._folders.find_own(visitor, request.path_params["path"]) if visitor else None
        if path is None:
            return PlainTextResponse("There is no such file.", 404)
        kind = mimetypes.guess_type(path.name)[0] or ""
        is_shown = kind.startswith(("image/", "video/")) and kind != "image/svg+xml"
        return FileResponse(
            path,
            media_type=kind if is_shown else "application/octet-stream",
            filename=path.name,
            content_disposition_type="inline" if is_shown else "attachment",
            headers={"Cache-Control": "private, no-store"},
        )


def address_of(request: Request) -> str:
    """The visitor's network address."""
    return request.client.host if request.client else ""


def _parse(body: bytes) -> dict[str, Any]:
    """The entries of a request.

    Raises:
        ValueError: it is no JSON object, or its names are no names.
    """
    entries = json.loads(body)
    if not isinstance(entries, dict):
        raise ValueError("no object")  # as the other faults
    for name in ("session_hash", "event_id"):
        value = entries.get(name)
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= _MAX_NAME):
            raise ValueError(name)
    return entries


def _paths(entries: Any) -> Iterator[str]:
    """What Gradio would take for the paths and addresses of files, anywhere in a request."""
    left = [entries]
    while left:
        entry = left.pop()
        if isinstance(entry, dict):
            if entry.get("path"):
                yield str(entry["path"])
            left += entry.values()
        elif isinstance(entry, list):
            left += entry


def _remainder(path: str, start: str) -> str:
    return path.removeprefix(start) if path.startswith(start) else ""


def _forbidden() -> Response:
    return PlainTextResponse("That is not yours.", 403)


def _malformed() -> Response:
    return PlainTextResponse("The request is malformed.", 400)


def _too_many() -> Response:
    return PlainTextResponse("You have too many requests open.", 429)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise ValueError("too large")
    return bytes(body)


def _impatient(receive: Receive) -> Receive:
    """`receive` for a body: raises TimeoutError where the sender falls silent."""

    async def receive_in_time() -> Message:
        return await asyncio.wait_for(receive(), _SILENCE)

    return receive_in_time


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns `body`, which was read already, and then continues with the original one."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _with_headers(send: Send, cookie: str | None) -> Send:
    async def respond(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if cookie:
                headers.append("Set-Cookie", f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax")
        await send(message)

    return respond
