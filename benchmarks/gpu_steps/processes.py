"""Processes that run the package from the tree, with a time limit."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GRACE = 20.0  # seconds in which a training that was stopped saves its checkpoint


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
    every_minute: Callable[[], None] = lambda: None,
) -> tuple[str, int | None]:
    """Run a process, and stop it after `seconds` as `kill` does.

    Returns its output, and its exit code if it ended by itself. All processes that it started end with it.
    """
    deadline = time.monotonic() + seconds
    process = subprocess.Popen(  # noqa: S603  # a step, or the trainings of whoever calls this program
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    while (left := deadline - time.monotonic()) > 0:
        try:
            return process.communicate(timeout=min(60.0, left))[0], process.returncode
        except subprocess.TimeoutExpired:
            every_minute()
    process.send_signal(signal.SIGTERM)  # SIGINT is ignored in what a shell runs in the background
    try:
        return process.communicate(timeout=GRACE)[0], None
    except subprocess.TimeoutExpired:
        return _kill(process), None
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[str]) -> str:
    """Kill a process and all that it started; return its output."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[0]
