"""The one loop: frames are read, stylised and finished, each in a thread, and handed to the caller's thread.

    decode thread -> queue -> inference thread -> queue -> finishing thread -> queue -> caller (encodes)

All of it is plain generators joined by `prefetch`, or live by `latest`, which drops what is late; both start
their thread in `_threaded`, which is the only place that does.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from queue import Empty, Queue
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ..core.draw_size import enlarge, replace_image
from ..core.frames import Backend, Frame, Image, Images

T = TypeVar("T")
Finish: TypeAlias = Callable[[Frame, Image], Frame]


@dataclass(slots=True)
class StageWaits:
    """Seconds spent waiting for each stage: by the network for frames, for pictures by what follows, and by
    the network for what follows. The stage that is waited for most is the one to make faster."""

    decode: float = 0.0
    network: float = 0.0
    encode: float = 0.0


def drawn(frame: Frame, drawing: Image) -> Frame:
    """The drawing at the size and the moment of its source."""
    return replace_image(frame, enlarge(drawing, frame.size))


def stream(
    frames: Iterable[Frame],
    backend: Backend,
    *,
    batch: int = 1,
    ahead: int = 2,
    finish: Finish | None = None,
    waits: StageWaits | None = None,
) -> Generator[Frame]:
    """Stylise frames in order; each keeps its moment.

    Args:
        frames: read in a thread of their own, up to `ahead` batches in advance.
        backend: called in another thread, with up to `batch` neighbours of one size.
        batch: pictures a call.
        ahead: batches that may wait in either queue; bounds the memory.
        finish: called with each frame of the source and its drawing, in order and in a thread of its own,
            while the next are drawn and those before are used; gives the frame to hand over.
        waits: filled in, when given.

    Hold the result in `contextlib.closing(...)` where it may not be read to its end, so that all threads
    are stopped at once. Errors of the source, of the back end and of `finish` are raised here.
    """
    waits = waits or StageWaits()
    decoded = prefetch(frames, batch * ahead, waits, "decode")
    styled = prefetch(_applied(backend, batches(decoded, batch)), ahead, waits, "network", "encode")
    if finish is None:
        return _finished(styled, drawn)
    return prefetch(_finished(styled, finish), ahead)


def batches(frames: Iterable[Frame], size: int) -> Generator[list[Frame]]:
    """Neighbours of equal shape, up to `size` together."""
    group: list[Frame] = []
    try:
        with _closed(frames):
            for frame in frames:
                if group and frame.image.shape != group[0].image.shape:
                    yield group
                    group = []
                group.append(frame)
                if len(group) == size:
                    yield group
                    group = []
    except Exception:  # what was read before the source failed still counts
        if group:
            yield group
        raise
    if group:
        yield group


def prefetch(
    items: Iterable[T], depth: int, waits: StageWaits | None = None, empty: str = "", full: str = ""
) -> Generator[T]:
    """Iterate `items` in a thread of its own, at most `depth` of them ahead of the reader.

    The time that the reader waits for an item is added to `waits.<empty>`, the time that the thread waits
    for room to `waits.<full>`. Closing the generator stops the thread, closes `items` in it, and joins it.
    """
    queue: Queue[Any] = Queue(depth)
    put, get = partial(_timed, waits, full, queue.put), partial(_timed, waits, empty, queue.get)
    return _threaded(items, put, get, f"prefetch {empty}")


class LatestItem(Queue[Any]):
    """Room for one item: one that nobody took in time makes way for the next, and is counted as `dropped`."""

    dropped = 0

    def _put(self, item: Any) -> None:
        if item is not _END:  # behind which the last item stays
            self.dropped += len(self.queue)
            self.queue.clear()
        self.queue.append(item)

    def take(self, tick: float | None) -> Any:
        """The item, waiting for it; None after `tick` seconds without one."""
        try:
            return self.get(timeout=tick)
        except Empty:
            return None


def latest(items: Iterable[T], mailbox: LatestItem, tick: float | None = None) -> Generator[T | None]:
    """Iterate `items` in a thread of its own at their pace, not the reader's, who gets the newest each time.

    With a `tick`, None is given after so many seconds without an item, so that the reader can look around.
    Closing the generator does what it does with `prefetch`, once `items` gives its next one.
    """
    return _threaded(items, mailbox.put, partial(mailbox.take, tick), "newest")


def _threaded(
    items: Iterable[T], put: Callable[[Any], Any], get: Callable[[], Any], name: str
) -> Generator[T]:
    """Iterate `items` in a thread, which puts them where `get` takes them from; the end, too."""
    stop = threading.Event()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            with _closed(items):
                for item in items:
                    put(item)
                    if stop.is_set():
                        break
        except BaseException as error:  # noqa: BLE001  # handed over: raised by the reader
            failure.append(error)
        finally:
            put(_END)

    thread = threading.Thread(target=work, name=name)
    thread.start()
    item: Any = None
    try:
        while (item := get()) is not _END:
            yield item
    finally:
        # The thread may wait for room: make room until it says that it has ended.
        stop.set()
        while item is not _END:
            item = get()
        thread.join()
    if failure:
        raise failure[0]


_END = object()


def _applied(backend: Backend, batches: Generator[list[Frame]]) -> Generator[tuple[list[Frame], Images]]:
    with closing(batches):
        for group in batches:
            # One picture needs no stacking, which would copy it.
            images = group[0].image[None] if len(group) == 1 else np.stack([frame.image for frame in group])
            yield group, backend(images)


def _finished(styled: Generator[tuple[list[Frame], Images]], finish: Finish) -> Generator[Frame]:
    with closing(styled):
        for group, images in styled:
            for frame, image in zip(group, images, strict=True):
                yield finish(frame, image)


class _closed:  # noqa: N801  # reads as a function, like contextlib.closing
    """`contextlib.closing` for what may have nothing to close, such as a list."""

    def __init__(self, items: object) -> None:
        self.items = items

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        close = getattr(self.items, "close", None)
        if close is not None:
            close()


def _timed(waits: StageWaits | None, name: str, call: Any, *args: Any) -> Any:
    if waits is None or not name:
        return call(*args)
    started = time.perf_counter()
    try:
        return call(*args)
    finally:
        setattr(waits, name, getattr(waits, name) + time.perf_counter() - started)
