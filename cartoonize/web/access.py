"""What may be asked of the server, and by whom.

Gradio's server does much more than this page needs: it fetches addresses for visitors, lists its functions,
and hands any file that it holds to whoever names it. Here only what the page needs is let through, and files
only to the visitor whose they are. Visitors are told apart by a cookie.
"""

import json
import mimetypes
import re
import secrets
from collections.abc import Collection, Iterator
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.errors import MediaError
from .folders import Folders
from .limits import Limits

COOKIE = "cartoonize_visitor"
_ASKED = re.compile(
    "GET /|GET /(config|theme.css|favicon.ico|manifest.json)|GET /(assets|static|styles)/.+|"
    "GET /gradio_api/(queue/data|startup-events|upload_progress|heartbeat/[^/]+|file=.+)|"
    "POST /gradio_api/(upload|queue/join|cancel|reset|run/[^/]+)"
)
_MAX_BODY = 1 << 20  # bytes of all but uploads
_FORM = 4096  # bytes of an upload that are not the file
_ROOM = 4  # times an upload's limit that has to be free: a drawing takes up to twice its own size meanwhile
_HEADERS = {
    # Nothing is loaded from elsewhere, and nothing sent there. Gradio makes functions of its templates.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def visitor_of(cookies: dict[str, str]) -> str | None:
    """The visitor's secret; None if the browser keeps no cookies."""
    return cookies.get(COOKIE)


class AccessControl:
    """Middleware: lets through what the page needs, and nothing that is another visitor's.

    A visitor's requests may name files only if they are his own, and only sessions, which are Gradio's name
    for an open page, that nobody else was first to name. `hosts` are the names that the server goes by; None
    is any. (A site elsewhere can have its own name lead to this computer, to read what is here.)
    """

    def __init__(self, app: ASGIApp, folders: Folders, hosts: Collection[str] | None = None) -> None:
        self._app, self._folders, self._hosts = app, folders, hosts
        self._sessions: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        visitor = visitor_of(request.cookies)
        newcomer = visitor is None and request.url.path == "/"
        answer = _with_headers(send, secrets.token_urlsafe(32) if newcomer else None)
        refusal, body = await self._look(request, visitor)
        if refusal:
            await refusal(scope, receive, answer)
        else:
            await self._app(scope, receive if body is None else _again(body, receive), answer)

    async def _look(self, request: Request, visitor: str | None) -> tuple[Response | None, bytes | None]:
        """A refusal, or None; and the body, if it had to be read."""
        path = request.url.path
        if self._hosts is not None and request.url.hostname not in self._hosts:
            return PlainTextResponse("This page is for its own computer only.", 403), None
        if not _ASKED.fullmatch(f"{request.method.replace('HEAD', 'GET')} {path}"):
            return PlainTextResponse("There is nothing here.", 404), None
        if request.method != "POST" or path == "/gradio_api/upload":
            named = request.query_params.get("session_hash") or _after(path, "/gradio_api/heartbeat/")
            return (None if not named or self._is_own(named, visitor) else _forbidden()), None
        body = await _read(request)
        try:
            asked = json.loads(body or b"null")
        except (ValueError, RecursionError):
            return PlainTextResponse("That cannot be read.", 400), None
        return (None if self._may_name(asked, visitor) else _forbidden()), json.dumps(asked).encode()

    def _may_name(self, asked: Any, visitor: str | None) -> bool:
        """Whether all files and the session in a request are the visitor's."""
        if not isinstance(asked, dict) or visitor is None:
            return False
        named = asked.get("session_hash")
        own = all(self._folders.owned(visitor, path) for path in _paths(asked))
        return own and (named is None or self._is_own(str(named), visitor))

    def _is_own(self, session: str, visitor: str | None) -> bool:
        if visitor is None:
            return False
        while len(self._sessions) > 10_000:
            self._sessions.pop(next(iter(self._sessions)))
        return self._sessions.setdefault(session, visitor) == visitor


class Files:
    """The routes for files: bringing them, and getting one's own."""

    def __init__(self, folders: Folders, limits: Limits) -> None:
        self._folders, self._limits = folders, limits

    async def upload(self, request: Request) -> Response:
        """Keep what a visitor brings in a folder of his own; answers with the paths, as Gradio does."""
        from gradio.route_utils import upload_fn
        from gradio.routes import file_upload_statuses
        from starlette.formparsers import MultiPartException

        visitor, length = visitor_of(request.cookies), request.headers.get("content-length", "")
        if visitor is None:
            return PlainTextResponse("This page needs a cookie, to know whose files are whose.", 403)
        if not length.isdecimal():
            return PlainTextResponse("The length is missing.", 411)
        if not self._folders.has_room(_ROOM * self._limits.upload):
            return PlainTextResponse("There is no room for more files at the moment.", 507)
        upload = request.query_params.get("upload_id")
        try:
            self._limits.check_size(int(length) - _FORM)
            with self._folders.new_or_none(visitor) as folder:
                paths, _, _ = await upload_fn(
                    request, str(folder), self._limits.upload, upload, upload_progress=file_upload_statuses
                )
        except (MediaError, MultiPartException) as error:
            return PlainTextResponse(str(error), 413)
        except ClientDisconnect:
            return Response(status_code=400)
        return JSONResponse(paths)

    async def file(self, request: Request) -> Response:
        """One of the visitor's own files; all others there are not, for him."""
        visitor = visitor_of(request.cookies)
        path = self._folders.owned(visitor, request.path_params["path"]) if visitor else None
        if path is None:
            return PlainTextResponse("There is no such file.", 404)
        kind = mimetypes.guess_type(path.name)[0] or ""
        shown = kind.startswith(("image/", "video/")) and kind != "image/svg+xml"
        return FileResponse(
            path,
            media_type=kind if shown else "application/octet-stream",
            filename=path.name,
            content_disposition_type="inline" if shown else "attachment",
            headers={"Cache-Control": "private, no-store"},
        )


def _paths(asked: Any) -> Iterator[str]:
    """What Gradio would take for the paths and addresses of files, anywhere in a request."""
    left = [asked]
    while left:
        entry = left.pop()
        if isinstance(entry, dict):
            if entry.get("path"):
                yield str(entry["path"])
            left += entry.values()
        elif isinstance(entry, list):
            left += entry


def _after(path: str, start: str) -> str:
    return path.removeprefix(start) if path.startswith(start) else ""


def _forbidden() -> Response:
    return PlainTextResponse("That is not yours.", 403)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            return b"!"  # no JSON
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read, for another reader."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _with_headers(send: Send, newcomer: str | None) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if newcomer:
                headers.append("Set-Cookie", f"{COOKIE}={newcomer}; Path=/; HttpOnly; SameSite=Lax")
        await send(message)

    return answer
