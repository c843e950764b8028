"""The web page for tests: the command line serves it, in a folder for temporary files of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clips import heeding


@dataclass
class Served:
    """A server that runs: its process, its address, and the folder where all its files are."""

    process: subprocess.Popen
    url: str
    root: Path

    def files(self) -> list[str]:
        """What visitors brought, and what is being drawn or was drawn for them: folder of each, and name."""
        return sorted(
            f"{path.relative_to(self.root).parts[1]}/{path.name}"
            for path in self.root.glob("*/*/**/*")
            if path.is_file()
        )


@contextmanager
def serving(temporary: Path, *options: str) -> Iterator[Served]:
    """Serve the page; ended here if it was not before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cartoonize", "web", "--port", "0", *options],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)},
        preexec_fn=heeding(signal.SIGINT),  # noqa: PLW1509  # as in the other tests
    )  # fmt: skip
    try:
        said = process.stderr.readline()
        address = re.search(r"http://\S+/", said)
        assert address, said + process.stderr.read()
        yield Served(process, address[0], next(temporary.glob("cartoonize-web-*")))
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)
