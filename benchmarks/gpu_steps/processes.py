"""Processes that run the package from the tree, with a time limit."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).resolve().parents[2]
UNKILLABLE = 5.0  # seconds after which a process is left alone that a driver keeps from ending


def package_environment(folder: Path) -> dict[str, str]:
    """Return the environment of processes that import the package as it is installed.

    `folder` gets links to its parts: training/ and export/ are inside the package.
    """
    package = folder / "package" / "cartoonize"
    package.mkdir(parents=True)
    for path in (*(ROOT / "cartoonize").iterdir(), ROOT / "training", ROOT / "export"):
        (package / path.name).symlink_to(path)
    added = [package.parent, ROOT / "benchmarks", ROOT / "tests"]
    paths = [*map(str, added), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Without PYTHONSAFEPATH, `python -m` would find the incomplete package in the root of the tree first.
    settings = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return os.environ | settings


def run_limited(
    command: list[str],
    seconds: float,
    environment: dict[str, str],
    *,
    grace: float = 0.0,
    every_minute: Callable[[], None] = lambda: None,
) -> tuple[str, int | None]:
    """Run a process for at most `seconds`. Then it is asked to end, and killed `grace` seconds later.

    Returns its output, and its exit code if it ended by itself. All processes that it started end with it.
    """
    # A file, because what outlives the process keeps a pipe open.
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:
        process = subprocess.Popen(  # noqa: S603  # a step, or the trainings of whoever calls this program
            command, stdout=printed, stderr=subprocess.STDOUT, env=environment, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = _wait(process, seconds, every_minute)
            if code is None and grace:
                process.terminate()  # SIGINT is ignored in what a shell runs in the background
                _wait(process, grace)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            _wait(process, UNKILLABLE)
        printed.seek(0)
        return printed.read(), code


def _wait(
    process: subprocess.Popen[bytes], seconds: float, every_minute: Callable[[], None] = lambda: None
) -> int | None:
    """Return the exit code of a process; None if it does not end within `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            return process.wait(min(60.0, left))
        except subprocess.TimeoutExpired:
            every_minute()
    return None
