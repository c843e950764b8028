"""Serves the page, to one visitor or to many, until a signal ends it."""

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
from .access import AccessControl, FileRoutes
from .connections import GuardedProtocol
from .folders import Folders
from .gradio_server import FILE, UPLOAD, GradioServer
from .limits import Limits
from .visitors import Visitors
from .worker import Worker

_CSS = Path(__file__).with_name("page.css")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  # only where --host says so
_SWEEP_FILES, _SWEEP_QUEUE = 60.0, 2.0  # seconds from one to the next
_GRACE = 1  # seconds that open connections get at the end; a visitor's page always has some


def is_private(host: str) -> bool:
    """Whether only this computer can reach an address: one of the loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK


def serve(
    host: str, port: int, limits: Limits, *, device: str = "auto", on_ready: Callable[[str], None]
) -> None:
    """Serve the page until a signal ends it; then no file of a visitor is left.

    Args:
        host: the address to listen at; others can reach it unless it `is_private`.
        port: 0 is any free port.
        limits: what the page accepts.
        device: see `cartoonize.load`.
        on_ready: called with the page's address when it can be opened.

    Raises:
        WebError: the address cannot be listened at.
    """
    with _listen(host, port) as listener, _temporary_folder() as root, _gradio_environment(root):
        folders, worker = Folders(root), Worker(limits, device)
        app = _build_app(worker, folders, (*_LOOPBACK, host) if is_private(host) else None)
        config = uvicorn.Config(
            app, http=GuardedProtocol, log_level="error", access_log=False, ws="none",
            timeout_graceful_shutdown=_GRACE,
        )  # fmt: skip
        address = _address(host, listener.getsockname()[1])
        try:
            _Server(config, lambda: on_ready(address), worker.stop).run([listener])
        finally:
            worker.close()


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


def _build_app(worker: Worker, folders: Folders, hosts: Collection[str] | None) -> ASGIApp:
    """The page and its files. Gradio is imported here, when its environment is set."""
    from gradio import mount_gradio_app

    from .page import build_page, build_theme
    from .views import style_css

    blocks, visitors = build_page(worker, folders), Visitors()
    gradio = GradioServer(blocks)

    @asynccontextmanager
    async def sweep(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(_sweep_files(folders)),
            asyncio.create_task(_sweep_queue(gradio, visitors, worker)),
        ]
        yield
        for task in tasks:
            task.cancel()

    files = FileRoutes(folders, visitors, worker.limits)
    routes: list[BaseRoute] = [
        Route(UPLOAD, files.upload, methods=["POST"]),
        Route(f"{FILE}{{path:path}}", files.file),
        Route("/styles/{name}.webp", _style_preview),
    ]
    app = FastAPI(routes=routes, lifespan=sweep, openapi_url=None)
    mount_gradio_app(
        app, blocks, "/", theme=build_theme(), css=style_css(), css_paths=[_CSS], footer_links=[],
        run_history=False, max_file_size=worker.limits.upload, ssr_mode=False, enable_monitoring=False,
        mcp_server=False, pwa=False, show_error=False,
    )  # fmt: skip
    return AccessControl(app, folders, visitors, gradio, hosts)


async def _style_preview(request: Request) -> Response:
    """Respond with the thumbnail of a style."""
    path = builtin_styles().get(request.path_params["name"])
    picture = path and path.with_suffix(".webp")
    return FileResponse(picture) if picture and picture.is_file() else PlainTextResponse("None.", 404)


async def _sweep_files(folders: Folders) -> None:
    while True:
        await asyncio.sleep(_SWEEP_FILES)
        await asyncio.to_thread(folders.sweep)


async def _sweep_queue(gradio: GradioServer, visitors: Visitors, worker: Worker) -> None:
    """Remove conversions from the queue whose page has gone, and cancel the running one if its page has."""
    while True:
        await asyncio.sleep(_SWEEP_QUEUE)
        for session in set(gradio.queued_sessions()):
            if not visitors.is_waiting(session):
                await gradio.drop_session(session)
                worker.cancel(session)


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
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
def _temporary_folder() -> Iterator[Path]:
    """Create a folder that only this user can read, for all files of visitors and of Gradio."""
    root = Path(tempfile.mkdtemp(prefix="cartoonize-web-"))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _gradio_environment(root: Path) -> Iterator[None]:
    """Tell Gradio where its files go, and to report nothing to its makers. It asks the environment only."""
    settings = {
        "GRADIO_TEMP_DIR": str(root),
        "GRADIO_EXAMPLES_CACHE": str(root),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _address(host: str, port: int) -> str:
    if host in (*_LOOPBACK, *_EVERYWHERE):
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
