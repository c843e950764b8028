"""The page that draws in the visitor's own browser, at /browser/: no upload, and no queue."""

import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ..export.browser_files import page_files, read_library
from .access import refuse

_TYPES = {".js": "text/javascript", ".webp": "image/webp"}  # some systems do not know them


async def read_browser_file(request: Request) -> Response:
    """Return a file of the page."""
    name = request.path_params.get("name", "index.html")
    content = (await run_in_threadpool(_files)).get(name)
    if content is None:
        return refuse("There is nothing here.", 404)
    guess = _TYPES.get(PurePosixPath(name).suffix) or mimetypes.guess_type(name)[0]
    return Response(content, media_type=guess or "application/octet-stream", headers=_headers())


@cache
def _files() -> Mapping[str, bytes]:
    return dict(page_files())


@cache
def _headers() -> dict[str, str]:
    """The page's own policy for its workers too, and two headers without which browsers allow no threads."""
    library = read_library()["url"].removesuffix("dist/")
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; "
        f"worker-src 'self' blob:; connect-src 'self' {library}; img-src 'self' blob: data:; "
        "media-src blob:; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
    }
