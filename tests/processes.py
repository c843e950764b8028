"""Runs the program, or Python code, in a process of its own, and waits for what it does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cartoonize.core.signals import STOP_SIGNALS

WAIT = 300
"""Seconds after which a test gives up, even on a busy machine."""


def command_line(*words: object) -> list[str]:
    """The words by which this Python runs the program."""
    return [sys.executable, "-m", "cartoonize", *map(str, words)]


def run_program(*words: object, **options) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, and keep what it prints."""
    return subprocess.run(
        command_line(*words), capture_output=True, text=True, check=False, timeout=WAIT, **options
    )


def run_python(code: str, *words: object, **options) -> subprocess.CompletedProcess[str]:
    """Run code to its end, and keep what it prints; fail with its errors if it fails."""
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT, **options)
    assert done.returncode == 0, done.stderr
    return done


def environment(*without: str, **more: str) -> dict[str, str]:
    """The variables of this process, without some and with others."""
    return {name: value for name, value in os.environ.items() if name not in without} | more


def start_program(*words: object, **options) -> subprocess.Popen[str]:
    """Start the program, with a pipe for its stderr."""
    options = {"stderr": subprocess.PIPE, "text": True, "preexec_fn": ACCEPT_SIGNALS} | options
    return subprocess.Popen(command_line(*words), **options)


def _accept_signals() -> None:
    """Accept the signals that stop the program, even if nohup or a background shell ignores them here."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)


ACCEPT_SIGNALS = _accept_signals if os.name == "posix" else None
"""A `preexec_fn` for processes that tests send signals to."""


def limit_file_size(size: int) -> Callable[[], None]:
    """A `preexec_fn`: files can have this many bytes, as on a disk that is nearly full."""
    resource = pytest.importorskip("resource")
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Limit the size of files in this process."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until a condition holds; fail if it never does, or if `process` ends before."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert process is None or process.poll() is None, "the program ended too early"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def read_terminal(handle: int) -> bytes:
    """Everything that a pseudoterminal gets until its other end is closed."""
    shown = b""
    try:
        while chunk := os.read(handle, 65536):
            shown += chunk
    except OSError:  # as Linux says that the other end is closed
        pass
    return shown
