"""Signals: the first one stops the program in order, the second one ends it at once."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from processes import ACCEPT_SIGNALS, WAIT

from cartoonize.core import signals
from cartoonize.core.errors import Stopped
from cartoonize.core.signals import StopRequest, defer_signals, preserve_handlers

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent as Unix knows them")

PROGRAM = """
import signal, sys, time
from pathlib import Path
from cartoonize.core import signals
from cartoonize.core.atomic import AtomicFile
from cartoonize.core.errors import Stopped

def show(word):
    print(word, flush=True)

signals._REPEAT = {repeat}
signals.install()
try:
    {body}
except Stopped as stopped:
    sys.exit(stopped.exit_code)
"""
TIDYING = """
    with AtomicFile(Path("out.txt"), overwrite=True) as file:
        file.path.write_text("half")
        try:
            show("ready")
            time.sleep(60)
        finally:
            show("tidying")
            time.sleep(60)
"""
WAITING = """
    with signals.StopRequest() as stop:
        show("ready")
        while not stop.requested:
            time.sleep(0.01)
        show("tidying")
        time.sleep({pause})
        show("done")
"""
DEFERRED = """
    with signals.defer_signals():
        show("ready")
        while signal.getsignal(signal.SIGINT) != signal.SIG_DFL:
            time.sleep(0.01)
        show("noted")
        time.sleep({pause})
        show("done")
"""


@contextmanager
def started(tmp_path, body, repeat=0.2):
    """A program that has installed the handlers, when it has printed "ready".

    Signals within `repeat` seconds count as one.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body.strip(), repeat=repeat)], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=ACCEPT_SIGNALS,  # noqa: PLW1509
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def no_handlers(monkeypatch):
    """Have no handlers installed in this process, and no time for repeats of a signal."""
    monkeypatch.setattr(signals, "_installed", False)
    monkeypatch.setattr(signals, "_REPEAT", 0.01)


@pytest.mark.parametrize("number", signals.STOP_SIGNALS)
def test_the_first_signal_stops_in_order(tmp_path, number):
    """After one signal what was begun is completed, and the exit code is that of the signal."""
    with started(tmp_path, WAITING.format(pause=0.1)) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out.split(), err) == (128 + number, ["tidying", "done"], "")


@pytest.mark.parametrize("body", [TIDYING, WAITING.format(pause=60)], ids=["unwinding", "completing"])
@pytest.mark.parametrize("second", signals.STOP_SIGNALS)
def test_the_second_signal_ends_it_at_once(tmp_path, body, second):
    """A second Ctrl-C while the program tidies up, or completes a recording, ends it; the target keeps its
    earlier content, and nothing that is half written has its name."""
    (tmp_path / "out.txt").write_text("earlier")
    with started(tmp_path, body) as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "tidying\n"
        process.send_signal(second)
        assert process.wait(WAIT) == -second
    assert (tmp_path / "out.txt").read_text() == "earlier"


def test_a_signal_that_is_sent_twice_is_one(tmp_path):
    """`timeout` and shells send a signal twice in a row; that is no second request."""
    with started(tmp_path, WAITING.format(pause=0.1), repeat=2) as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)  # else the system may deliver both as one
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=WAIT)
    assert (process.returncode, out.split()) == (128 + signal.SIGTERM, ["tidying", "done"])


def test_what_belongs_together_is_completed(tmp_path):
    """A signal within `defer_signals` is raised behind the block; a second one does not wait for that."""
    with started(tmp_path, DEFERRED.format(pause=0.1)) as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=WAIT)
        assert (process.returncode, out) == (128 + signal.SIGINT, "noted\ndone\n")
    with started(tmp_path, DEFERRED.format(pause=60)) as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "noted\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT) == -signal.SIGINT


def test_nohup_is_respected(no_handlers):
    """A signal that the process ignores stays ignored."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.install()
    with StopRequest() as stop, defer_signals():
        signal.raise_signal(signal.SIGHUP)
    assert not stop.requested


def test_a_program_keeps_its_handlers(no_handlers):
    """In a program that uses the library, Ctrl-C stays a KeyboardInterrupt; nothing waits for another."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    completed = []
    with pytest.raises(KeyboardInterrupt), StopRequest():  # noqa: PT012  # at its end
        signal.raise_signal(signal.SIGINT)
        completed.append(True)
    with pytest.raises(KeyboardInterrupt), StopRequest():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        completed.append(False)
    assert completed == [True]
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_an_error_takes_the_place_of_a_request(no_handlers):
    """A recording that fails after Ctrl-C says why; a file of a batch that does is still the last one."""
    signals.install()
    with pytest.raises(OSError, match="full"), StopRequest():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise OSError("full")
    with pytest.raises(Stopped), defer_signals():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise OSError("full")


def test_handlers_of_libraries_do_not_stay(no_handlers):
    """Handlers that a library sets while it starts are replaced by those from before."""
    before = signal.getsignal(signal.SIGTERM)
    with preserve_handlers():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_are_left_alone():
    """In a thread that gets no signals, the blocks have no effect."""
    done = []

    def work():
        with StopRequest() as stop, defer_signals(), preserve_handlers():
            done.append(stop.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [False]


STARTING = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["cartoonize", "video", "in.mp4", "out.mp4"]
from cartoonize.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "cartoonize.cli.video", "cartoonize.run.plan", "av"])
def test_a_signal_while_modules_are_imported(tmp_path, module):
    """Ctrl-C while the program starts ends it without a traceback, with the exit code of Ctrl-C."""
    command = [sys.executable, "-c", STARTING.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")
