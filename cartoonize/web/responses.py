"""Reads requests, and builds responses: JSON, files, errors."""

import mimetypes
from collections.abc import AsyncIterable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from ..core.errors import CartoonizeError, SpaceError, WriteError
from .access import refuse
from .jobs import ShareError
from .limits import LimitError
from .uploads import FormError

_MAX_BODY = 1 << 16  # bytes of a request in JSON
_REMOVED = "The file was removed from the server; send it again."


class RequestError(CartoonizeError):
    """A request that is answered with an error and its status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


async def respond_to_error(_request: Request, error: Exception) -> Response:
    """The response to an error of the visitor, or of the disk."""
    if isinstance(error, RequestError):
        return refuse(str(error), error.status)
    if isinstance(error, TimeoutError):
        return refuse("The request was interrupted.", 408)
    if isinstance(error, FileNotFoundError):  # a file that was there a moment ago
        return refuse(_REMOVED, 410)
    if isinstance(error, OSError):  # its own text would show paths of this machine
        error = WriteError.from_os_error("the file", error)
    statuses = (
        (ShareError, 429), (SpaceError, 507), (WriteError, 500), (LimitError, 413), (FormError, 415),
    )  # fmt: skip
    status = next((code for kind, code in statuses if isinstance(error, kind)), 400)
    return refuse(str(error) or "The request was interrupted.", status)


def known_visitor(request: Request) -> str:
    """The visitor, whose browser sent the cookie.

    Raises:
        RequestError: it did not.
    """
    if not request.state.is_known:
        raise RequestError("This page needs a cookie, to know whose files are whose.", 403)
    return str(request.state.visitor)


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body of a request.

    Raises:
        RequestError: there is none, or it is too large.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise RequestError(
                f"The request is too large: JSON has at most {_MAX_BODY >> 10} KB; send files as a form.",
                413,
            )
    with suppress(msgspec.DecodeError, RecursionError, UnicodeError):
        entries = msgspec.json.decode(bytes(body))
        if isinstance(entries, dict):
            return entries
    raise RequestError(
        'The request is malformed: send a JSON object, such as {"file": ID, "style": "ink"}.', 400
    )


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON."""
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def stream_response(
    request: Request, content: AsyncIterable[bytes] | Iterable[bytes], kind: str, headers: Mapping[str, str]
) -> Response:
    """Content that is made while it is sent; HEAD gets the same headers, and nothing is made."""
    content = () if request.method == "HEAD" else content
    return StreamingResponse(content, media_type=kind, headers={"Cache-Control": "no-store", **headers})


def file_response(path: Path) -> Response:
    """A visitor's file: browsers show pictures and videos, and save all others.

    Raises:
        RequestError: it was removed.
    """
    if not path.is_file():
        raise RequestError(_REMOVED, 410)
    kind = mimetypes.guess_type(path.name)[0] or ""
    is_shown = kind.startswith(("image/", "video/")) and kind != "image/svg+xml"
    return FileResponse(
        path,
        media_type=kind if is_shown else "application/octet-stream",
        filename=path.name,
        content_disposition_type="inline" if is_shown else "attachment",
        headers={"Cache-Control": "private, no-store"},
    )
