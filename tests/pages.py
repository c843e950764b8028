"""The web page for tests, as the command line serves it, with its temporary files in a folder of the test."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import ACCEPT_SIGNALS, WAIT


@dataclass
class Served:
    """A running server: its process, its address, the folder of all its files, and its key."""

    process: subprocess.Popen
    url: str
    root: Path
    key: str | None = None

    def files(self) -> list[str]:
        """Uploads and results of visitors, as FOLDER/NAME."""
        # os.walk passes over folders that the server removes meanwhile; Path.glob raises.
        folders = [
            (Path(folder).relative_to(self.root).parts, names) for folder, _, names in os.walk(self.root)
        ]
        return sorted(f"{parts[1]}/{name}" for parts, names in folders for name in names if len(parts) > 1)


@contextmanager
def serving(temporary: Path, *options: str, before: str = "", **environment: str) -> Iterator[Served]:
    """Serve the page until the end of the block, unless it ends before.

    `before` is Python code that the server's process runs first.
    """
    code = f"{before}\nfrom cartoonize.__main__ import main; main()"
    program = ["-c", code] if before else ["-m", "cartoonize"]
    process = subprocess.Popen(
        [sys.executable, *program, "web", "--port", "0", *options],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary), **environment},
        preexec_fn=ACCEPT_SIGNALS,  # noqa: PLW1509  # no other thread runs here
    )  # fmt: skip
    try:
        line = process.stderr.readline()
        address = re.search(r"http://\S+/", line)
        assert address, line + process.stderr.read()
        [root] = temporary.glob("cartoonize-web-*")
        key = re.search(r"\?key=(\S+)", line)
        yield Served(process, address[0], root, key and key[1])
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=WAIT)


def send(client, path: Path, name: str | None = None) -> str:
    """Send a file as the page does; returns its id."""
    response = client.post("/api/files", files={"file": (name or path.name, path.read_bytes())})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def ask(client, file: str, **settings: object):
    """Ask for a conversion as the page does; returns the response."""
    return client.post("/api/jobs", json={"file": file, **settings})
