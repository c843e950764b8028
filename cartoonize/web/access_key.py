"""The key of a page that others can reach: a secret in the address that the server prints.

The first visit with the key sets a cookie, and the browser's address loses the key. Programs send the key
with each request, in the address or as a bearer token (RFC 6750).
"""

import hmac
import secrets
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

PARAMETER = "key"
_ONCE = "once"  # the parameter for a code in place of the key
_CODE_SECONDS = 60.0
_COOKIE = "cartoonize_key_{port}"  # browsers send the cookies of a host to all its ports
_FORM = Path(__file__).with_name("static") / "key.html"
_OPEN = ("/static/base.css", "/static/key.css", "/static/favicon.svg")  # what the form shows
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class AccessKey:
    """Accepts requests that have the key. A page without a key accepts all: `AccessKey(None)`."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        self._code, self._code_expires = "", 0.0

    @property
    def is_required(self) -> bool:
        return self._key is not None

    def address(self, page: str) -> str:
        """The address that opens a page, with the key."""
        return _with_parameter(page, PARAMETER, self._key) if self._key else page

    def one_time_address(self, page: str) -> str:
        """An address that opens a page once, within a minute, in place of the one before.

        The browser gets it on its command line, which other users of the computer can read.
        """
        if self._key is None:
            return page
        self._code, self._code_expires = new_key(), time.monotonic() + _CODE_SECONDS
        return _with_parameter(page, _ONCE, self._code)

    def check(self, request: Request) -> tuple[Response | None, str | None]:
        """What to respond to a request that goes no further, and the `Set-Cookie` header of the response."""
        if self._key is None or request.url.path in _OPEN:
            return None, None
        parameter, code = request.query_params.get(PARAMETER), request.query_params.get(_ONCE)
        name = _cookie_name(request)
        candidates = (request.cookies.get(name), _bearer_token(request), _key_of(parameter or ""))
        if not any(map(self._is_key, candidates)) and not self._redeem(code or ""):
            return _refuse(request), None
        if parameter is None and code is None:
            return None, None
        return _redirect(request) if _is_navigation(request) else None, set_cookie(name, self._key)

    def _is_key(self, candidate: str | None) -> bool:
        """Compare in constant time, so that the time of a refusal reveals nothing about the key."""
        return hmac.compare_digest((candidate or "").encode(), (self._key or "").encode())

    def _redeem(self, code: str) -> bool:
        """Whether a code opens the page. It does so once."""
        is_valid = time.monotonic() < self._code_expires and hmac.compare_digest(
            code.encode(), self._code.encode()
        )
        if is_valid:
            self._code_expires = 0.0
        return is_valid


def new_key() -> str:
    """A random key of 128 bits."""
    return secrets.token_urlsafe(16)


def set_cookie(name: str, value: str) -> str:
    """The `Set-Cookie` header of a cookie for this site that scripts cannot read."""
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax"


def _with_parameter(address: str, name: str, value: str) -> str:
    return f"{address}?{urlencode({name: value})}"


def _key_of(text: str) -> str:
    """The key in what a visitor pastes: the key alone, or the whole address."""
    return text.rpartition(f"{PARAMETER}=")[2].strip()


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
    """Send a browser to the same page, so that neither its address bar nor its history keeps the key.

    The address is relative, as a server in front may serve the page under another path.
    """
    rest = [(name, value) for name, value in parse_qsl(request.url.query) if name not in (PARAMETER, _ONCE)]
    page = "./" + request.url.path.rpartition("/")[2]
    return RedirectResponse(f"{page}?{urlencode(rest)}" if rest else page, 303, {"Cache-Control": "no-store"})


def _refuse(request: Request) -> Response:
    """Ask for the key."""
    if _is_navigation(request):
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(_form(request), 401, headers)
    message = (
        "This page needs its key: use the whole address that `cartoonize web` printed, or send the header "
        "`Authorization: Bearer KEY`."
    )
    return JSONResponse({"error": message}, 401, {"WWW-Authenticate": "Bearer"})


def _form(request: Request) -> str:
    """The page that asks for the key, for the depth of its address."""
    form = _FORM.read_text(encoding="utf-8")
    if PARAMETER in request.query_params:
        form = form.replace(" hidden>", ">")
    depth = request.url.path.count("/") - 1
    return form.replace('"static/', '"' + "../" * depth + "static/")
