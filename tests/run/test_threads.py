"""Generators in threads: nothing of them is left, however they end; the newest item wins where it should."""

import os
import signal
import threading
from contextlib import closing

import pytest

from cartoonize.run.threads import LatestItem, latest, prefetch


def test_prefetch_of_nothing_is_nothing():
    """An empty source yields an empty stream."""
    assert list(prefetch(iter(()), 2)) == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to raise in the main thread")
def test_a_signal_while_a_thread_starts_leaves_no_thread(monkeypatch, moment):
    """After Ctrl-C while a thread starts, the thread ends, and its source is closed."""
    start = threading.Thread.start
    closed = []

    def interrupted_start(self):
        if moment == "before":
            signal.raise_signal(signal.SIGINT)
        start(self)
        if moment == "after":
            signal.raise_signal(signal.SIGINT)

    def source():
        try:
            yield from range(10**9)
        finally:
            closed.append(True)

    before = threading.active_count()
    monkeypatch.setattr(threading.Thread, "start", interrupted_start)
    with pytest.raises(KeyboardInterrupt):
        next(prefetch(source(), 1))
    assert threading.active_count() == before
    assert closed == [True]


def test_a_thread_that_cannot_start_is_an_error(monkeypatch):
    """If the system has no thread left, the error is a lack of memory, and nothing waits for the thread."""

    def fail(_self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(MemoryError, match="start a thread"):
        next(prefetch(iter([1]), 1))


def test_items_that_nobody_took_are_dropped():
    """A mailbox holds the newest item, never loses the last one, and counts those that it drops."""
    taken, made, mailbox = threading.Event(), threading.Event(), LatestItem()

    def items():
        yield 0
        taken.wait()
        yield from range(1, 10)
        made.set()

    with closing(latest(items(), mailbox)) as given:
        first = next(given)
        taken.set()
        made.wait()
        assert (first, *given) == (0, 9)
    assert mailbox.dropped == 8


def test_a_reader_can_look_around():
    """With a tick, a reader of a silent source gets None at each tick; an error of the source is raised."""
    seen, is_enough = [], threading.Event()

    def silent():
        assert is_enough.wait(60)
        yield 1
        raise OSError("the cable")

    with pytest.raises(OSError, match="the cable"):  # noqa: PT012
        for item in latest(silent(), LatestItem(), tick=0.02):
            seen.append(item)
            if len(seen) == 3:
                is_enough.set()
    assert seen[:3] == [None] * 3
    assert 1 in seen
