"""The key of a page that others can reach: a secret in the address that the server prints.

The first visit with the key sets a cookie, and the browser's address loses the key. Programs send the key
with each request, in the address or as a bearer token (RFC 6750).
"""

import hmac
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

PARAMETER = "key"
_COOKIE = "cartoonize_key_{port}"  # browsers send the cookies of a host to all its ports
_FORM = Path(__file__).with_name("static") / "key.html"
_OPEN = ("/static/style.css", "/static/key.css", "/static/favicon.svg")  # what the form shows
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class AccessKey:
    """Accepts requests that have the key. A page without a key accepts all: `AccessKey(None)`."""

    def __init__(self, key: str | None) -> None:
        self._key = key

    @property
    def is_required(self) -> bool:
        return self._key is not None

    def check(self, request: Request) -> tuple[Response | None, str | None]:
        """What to respond to a request that goes no further, and the `Set-Cookie` header of the response."""
        if self._key is None or request.url.path in _OPEN:
            return None, None
        parameter, name = request.query_params.get(PARAMETER), _cookie_name(request)
        if not any(map(self._is_key, (request.cookies.get(name), _bearer_token(request), parameter))):
            return _refuse(request), None
        if parameter is None:
            return None, None
        return _redirect(request) if _is_navigation(request) else None, set_cookie(name, self._key)

    def _is_key(self, candidate: str | None) -> bool:
        """Compare in constant time, so that the time of a refusal tells nothing about the key."""
        return hmac.compare_digest((candidate or "").encode(), (self._key or "").encode())


def new_key() -> str:
    """A random key of 128 bits."""
    return secrets.token_urlsafe(16)


def set_cookie(name: str, value: str) -> str:
    """The `Set-Cookie` header of a cookie for this site that scripts cannot read."""
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax"


def with_key(address: str, key: str | None) -> str:
    """The address that opens a page."""
    return f"{address}?{urlencode({PARAMETER: key})}" if key else address


def _bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _cookie_name(request: Request) -> str:
    server = request.scope.get("server") or (None, None)
    return _COOKIE.format(port=server[1])


def _is_navigation(request: Request) -> bool:
    """Whether a browser opens a page, rather than a page or a program something else."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _redirect(request: Request) -> Response:
    """Send a browser to the same page, so that the key stays neither in its address bar nor in its history.

    The address is relative, as a server in front may serve the page under another path.
    """
    rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != PARAMETER]
    page = "./" + request.url.path.rpartition("/")[2]
    return RedirectResponse(f"{page}?{urlencode(rest)}" if rest else page, 303, {"Cache-Control": "no-store"})


def _refuse(request: Request) -> Response:
    """Ask for the key."""
    if _is_navigation(request):
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(_form(request), 401, headers)
    message = (
        "This page needs its key: use the whole address that `cartoonize web` printed, or send the key as "
        "the header `Authorization: Bearer KEY`."
    )
    return JSONResponse({"error": message}, 401, {"WWW-Authenticate": "Bearer"})


def _form(request: Request) -> str:
    """The page that asks for the key, for the depth of its address."""
    form = _FORM.read_text()
    if PARAMETER in request.query_params:
        form = form.replace(" hidden>", ">")
    depth = request.url.path.count("/") - 1
    return form.replace('"static/', '"' + "../" * depth + "static/")
