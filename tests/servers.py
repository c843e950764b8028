"""Web servers on this machine, for the time of a `with` block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Quiet:
    """For handlers: prints nothing about requests."""

    def log_message(self, *_):
        """Print nothing."""


class FolderHandler(Quiet, SimpleHTTPRequestHandler):
    """Serves the files of a folder."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Print nothing: clients close connections whenever they like."""


@contextmanager
def serve(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port; yield the address, without a slash at its end."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve_folder(folder: Path):
    """Serve the files of a folder, as `serve`."""
    return serve(partial(FolderHandler, directory=folder))
