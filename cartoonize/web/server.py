"""Serves the page, to one visitor or to many, until a signal ends it."""

import errno
import logging
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from filelock import FileLock

from ..core.errors import WebError
from ..core.signals import StopRequest
from .access_key import AccessKey
from .addresses import LOOPBACK, is_private, page_addresses
from .app import build_app
from .connections import GuardedProtocol
from .folders import LOCK, Folders
from .limits import Limits
from .worker import Worker

_GRACE = 1  # seconds that open connections get at the end; a visitor's page always has some


def serve(
    host: str,
    port: int,
    limits: Limits,
    *,
    key: AccessKey,
    device: str = "auto",
    on_ready: Callable[[list[str]], None],
) -> None:
    """Serve the page until a signal ends it; then no file of a visitor is left.

    Args:
        host: the address to listen at; others can reach it unless it `is_private`.
        port: 0 is any free port.
        limits: what the page accepts.
        key: the key that requests need.
        device: see `cartoonize.load`.
        on_ready: called with the page's addresses when it can be opened: one for this computer, and one for
            others if that is not the same.

    Raises:
        WebError: the address cannot be listened at.
    """
    with _listen(host, port) as listener, _temporary_folder() as root:
        folders, worker = Folders(root), Worker(limits, device)
        app = build_app(worker, folders, (*LOOPBACK, host) if is_private(host) else None, key)
        config = uvicorn.Config(
            app, http=GuardedProtocol, log_level="error", access_log=False, ws="none",
            timeout_graceful_shutdown=_GRACE,
        )  # fmt: skip
        addresses = page_addresses(host, listener.getsockname()[1], key)
        try:
            _Server(config, lambda: on_ready(addresses), worker.stop).run([listener])
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


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise WebError(
                f"The page cannot be served at {host}, port {port}: another program uses it, perhaps another "
                "`cartoonize web`. Choose another --port; 0 is any free one."
            ) from error
        reason = getattr(error, "strerror", None) or error
        raise WebError(
            f"The page cannot be served at {host}, port {port} ({reason}): choose another --host or --port."
        ) from error
    with listener:
        yield listener


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Create a folder that only this user can read, for all files of visitors."""
    root = Path(tempfile.mkdtemp(prefix="cartoonize-web-"))
    try:
        with FileLock(root / LOCK):
            yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
