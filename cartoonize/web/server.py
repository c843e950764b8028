"""Serves the page, to one visitor or to many, until it is told to stop."""

import asyncio
import ipaddress
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ..core.errors import WebError
from ..core.signals import StopRequest
from ..styles import builtin_styles
from .access import AccessControl, Files
from .folders import Folders
from .limits import Limits
from .worker import Worker

_CSS = Path(__file__).with_name("page.css")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  # only where --host says so
_SWEEPS = 60.0  # seconds from one to the next
_GRACE = 1  # seconds that open connections get at the end; a visitor's page always has some


def is_private(host: str) -> bool:
    """Whether only this computer can reach an address: one of the loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK


def serve(
    host: str, port: int, limits: Limits, *, device: str = "auto", ready: Callable[[str], None]
) -> None:
    """Serve the page until a signal ends it; nothing of the visitors' is left then.

    Args:
        host: the address to listen at; others can reach it unless it `is_private`.
        port: 0 is any that is free.
        limits: what is taken to be drawn.
        device: see `cartoonize.load`.
        ready: called with the page's address when it can be opened.

    Raises:
        WebError: nobody can listen there.
    """
    with _listener(host, port) as listener, _root() as root:
        folders, studio = Folders(root), Worker(limits, device)
        app = _app(studio, folders, (*_LOOPBACK, host) if is_private(host) else None)
        config = uvicorn.Config(
            app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=_GRACE
        )
        address = _address(host, listener.getsockname()[1])
        try:
            _Server(config, lambda: ready(address), studio.stop).run([listener])
        finally:
            studio.close()


class _Server(uvicorn.Server):
    """Calls `on_start` when the page can be opened, and `on_stop` before open connections are closed."""

    def __init__(
        self, config: uvicorn.Config, on_start: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_start, self._on_stop = on_start, on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it reports the connections it cuts
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Shut down at the first signal of the program, in place of uvicorn's own handlers."""
        with StopRequest(on_request=self._end):
            yield

    def _end(self) -> None:
        self.should_exit = True


def _app(studio: Worker, folders: Folders, hosts: Collection[str] | None) -> ASGIApp:
    from gradio import mount_gradio_app

    from .page import page, theme
    from .views import style_pictures

    @asynccontextmanager
    async def sweeping(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_sweep(folders))
        yield
        task.cancel()

    files = Files(folders, studio.limits)
    routes: list[BaseRoute] = [
        Route("/gradio_api/upload", files.upload, methods=["POST"]),
        Route("/gradio_api/file={path:path}", files.file),
        Route("/styles/{name}.webp", _preview),
    ]
    app = FastAPI(routes=routes, lifespan=sweeping, openapi_url=None)
    mount_gradio_app(
        app, page(studio, folders), "/", theme=theme(), css=style_pictures(), css_paths=[_CSS],
        footer_links=[], run_history=False, max_file_size=studio.limits.upload, ssr_mode=False,
        enable_monitoring=False, mcp_server=False, pwa=False, show_error=False,
    )  # fmt: skip
    return AccessControl(app, folders, hosts)


async def _preview(request: Request) -> Response:
    """What a style looks like."""
    path = builtin_styles().get(request.path_params["name"])
    picture = path and path.with_suffix(".webp")
    return FileResponse(picture) if picture and picture.is_file() else PlainTextResponse("None.", 404)


async def _sweep(folders: Folders) -> None:
    while True:
        await asyncio.sleep(_SWEEPS)
        await asyncio.to_thread(folders.sweep)


@contextmanager
def _listener(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WebError(
            f"The page cannot be served at {host}, port {port} ({reason}); choose another --host or --port."
        ) from error
    with listener:
        yield listener


@contextmanager
def _root() -> Iterator[Path]:
    """A folder that only this user can read, for all files of visitors and of Gradio, until the end.

    Gradio asks the environment where its files go, and whether to tell its makers of its use.
    """
    root = Path(tempfile.mkdtemp(prefix="cartoonize-web-"))
    os.environ.update(
        GRADIO_TEMP_DIR=str(root), GRADIO_EXAMPLES_CACHE=str(root), GRADIO_ANALYTICS_ENABLED="False",
        HF_HUB_DISABLE_TELEMETRY="1",
    )  # fmt: skip
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _address(host: str, port: int) -> str:
    here = host in (*_LOOPBACK, *_EVERYWHERE)
    shown = "localhost" if here else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
