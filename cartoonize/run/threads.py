"""Generators in threads: `prefetch` for files; `latest`, which drops late items, for live video.

Both start their thread in `_iterate_in_thread`, the only place that does.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import Empty, Queue
from typing import Any, TypeVar

from ..core.signals import defer_signals

T = TypeVar("T")


@dataclass(slots=True)
class StageWaits:
    """Seconds spent waiting for each stage; the stage that is waited for most is the one to speed up.

    `decode`: the network waited for frames. `network`: the effects waited for drawings. `encode`: the network
    waited for room in the queue after it.
    """

    decode: float = 0.0
    network: float = 0.0
    encode: float = 0.0


def prefetch(
    items: Iterable[T], depth: int, waits: StageWaits | None = None, empty: str = "", full: str = ""
) -> Generator[T]:
    """Iterate `items` in a separate thread, at most `depth` of them ahead of the reader.

    The time that the reader waits for an item is added to `waits.<empty>`, the time that the thread waits
    for room to `waits.<full>`. Closing the generator stops the thread, closes `items` in it, and joins it.
    """
    queue: Queue[Any] = Queue(depth)
    put, get = partial(timed, waits, full, queue.put), partial(timed, waits, empty, queue.get)
    return _iterate_in_thread(items, put, get, f"prefetch {empty}")


class LatestItem(Queue[Any]):
    """A mailbox for one item: an item that was not taken in time is replaced by the next, and counted.

    `dropped` is the number of those.
    """

    dropped = 0

    def _put(self, item: Any) -> None:
        if item is not _END:  # the last item stays available
            self.dropped += len(self.queue)
            self.queue.clear()
        self.queue.append(item)

    def take(self, tick: float | None) -> Any:
        """Wait for the item and return it; return None after `tick` seconds without one."""
        try:
            return self.get(timeout=tick)
        except Empty:
            return None


def latest(items: Iterable[T], mailbox: LatestItem, tick: float | None = None) -> Generator[T | None]:
    """Iterate `items` in a separate thread, at their pace, and yield the latest each time.

    With a `tick`, yield None after that many seconds without an item, so that the reader can do other work.
    Closing the generator stops the thread as in `prefetch`, once `items` yields its next item.
    """
    return _iterate_in_thread(items, mailbox.put, partial(mailbox.take, tick), "latest")


def _iterate_in_thread(
    items: Iterable[T], put: Callable[[Any], Any], get: Callable[[], Any], name: str
) -> Generator[T]:
    """Iterate `items` in a thread, which passes each to `put`, and then `_END`; `get` returns them here."""
    stop = threading.Event()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            with closing_items(items):
                for item in items:
                    put(item)
                    if stop.is_set():
                        break
        except BaseException as error:  # noqa: BLE001  # handed over: raised by the reader
            failure.append(error)
        finally:
            put(_END)

    thread = threading.Thread(target=work, name=name)
    item: Any = None
    try:
        with defer_signals():  # an exception in `start` could leave a thread that nobody stops
            _start(thread)
        while (item := get()) is not _END:
            yield item
    finally:
        # The thread may wait for room: make room until it says that it has ended.
        stop.set()
        while item is not _END and thread.is_alive():
            item = get()
        if thread.is_alive():
            thread.join()
    if failure:
        raise failure[0]


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError as error:  # Python's error if the system has no memory for its stack
        raise MemoryError("can't start a thread") from error


_END = object()


@contextmanager
def closing_items(items: object) -> Iterator[None]:
    """As `contextlib.closing`, but for objects that may have no `close`, such as lists."""
    try:
        yield
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


def timed(waits: StageWaits | None, name: str, call: Callable[..., Any], *args: Any) -> Any:
    """Call a function, and add the seconds that it takes to `waits.<name>`, unless `name` is empty."""
    if waits is None or not name:
        return call(*args)
    started = time.perf_counter()
    try:
        return call(*args)
    finally:
        setattr(waits, name, getattr(waits, name) + time.perf_counter() - started)
