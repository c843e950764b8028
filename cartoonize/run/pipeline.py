"""The one loop: frames are read, drawn and finished, each in a thread, and handed to the caller's thread.

    reading thread -> queue -> network's thread -> queue -> effects' thread -> queue -> caller (encodes)

All of it is plain generators connected by `prefetch`, or live by `latest`, which drops late frames. Both
start their thread in `_threaded`, the only place that does."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from queue import Empty, Queue
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..core.frames import Backend, Frame, Image
from ..core.signals import defer_signals
from ..effects.effect import Effect, EffectChain
from .segmented import segment_length

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


class PlannedFrame(NamedTuple):
    """A frame, whether it is the `first` of a segment, and whether the network is to `skip` it."""

    frame: Frame
    first: bool = False
    skip: bool = False


class DrawnFrame(NamedTuple):
    """A frame, whether it is the `first` of a segment, and its drawing; None if it was skipped."""

    frame: Frame
    first: bool
    drawing: Image | None


def stream(
    frames: Iterable[Frame],
    backend: Backend,
    *,
    batch: int = 1,
    ahead: int = 2,
    effects: Sequence[Effect] = (),
    segment: int | None = None,
    waits: StageWaits | None = None,
) -> Generator[Frame]:
    """Draw frames, apply effects, and yield them in order, each at its time and at the source's size.

    Args:
        frames: read in a thread of their own, up to `ahead` batches in advance.
        backend: called in another thread, with up to `batch` neighbours of one size.
        batch: frames a call.
        ahead: batches that may wait in either queue; bounds the memory.
        effects: applied to each frame and its drawing, in a thread of their own; `Look.effects` lists those
            of the command line.
        segment: frames after which the effects restart and no batch goes on, so that they are the same
            wherever a run is resumed; None for what `cartoonize video` uses with such a batch.
        waits: filled in, when given.

    Hold the result in `contextlib.closing(...)` where it may not be read to its end, so that all threads
    stop at once. Errors of the source, of the back end and of the effects are raised here.
    """
    waits = waits or StageWaits()
    chain = EffectChain(effects)
    planned = _plan(frames, chain, segment or segment_length(batch))
    decoded = prefetch(planned, batch * ahead, waits, "decode")
    drawn = prefetch(_draw(backend, batches(decoded, batch)), ahead, waits, "network", "encode")
    return prefetch(_finish(drawn, chain), ahead)


def batches(planned: Iterable[PlannedFrame], size: int) -> Generator[list[PlannedFrame]]:
    """Group neighbours of equal shape and of one segment; up to `size` of a group are not skipped."""
    group: list[PlannedFrame] = []
    count = 0
    try:
        with _Closing(planned):
            for item in planned:
                if group and (item.first or item.frame.image.shape != group[0].frame.image.shape):
                    yield group
                    group, count = [], 0
                group.append(item)
                count += not item.skip
                if count == size:
                    yield group
                    group, count = [], 0
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
    """A mailbox for one item: an item that was not taken in time is replaced by the next, and counted.

    `dropped` is the number of those.
    """

    dropped = 0

    def _put(self, item: Any) -> None:
        if item is not _END:  # the last item stays before it
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
    """Iterate `items` in a thread of its own, at their pace, and yield the latest each time.

    With a `tick`, yield None after that many seconds without an item, so that the reader can do other work.
    Closing the generator does what it does with `prefetch`, once `items` yields its next one.
    """
    return _threaded(items, mailbox.put, partial(mailbox.take, tick), "latest")


def _threaded(
    items: Iterable[T], put: Callable[[Any], Any], get: Callable[[], Any], name: str
) -> Generator[T]:
    """Iterate `items` in a thread, which puts them, and then the end, where `get` takes them from."""
    stop = threading.Event()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            with _Closing(items):
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
            thread.start()
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


_END = object()


def _plan(frames: Iterable[Frame], chain: EffectChain, segment: int) -> Generator[PlannedFrame]:
    """Mark where segments begin, and which frames the network skips."""
    with _Closing(frames):
        for number, frame in enumerate(frames):
            first = number % segment == 0
            yield PlannedFrame(frame, first, chain.skip(frame, first=first))


def _draw(backend: Backend, groups: Generator[list[PlannedFrame]]) -> Generator[list[DrawnFrame]]:
    with closing(groups):
        for group in groups:
            drawings = iter(_drawings(backend, [item.frame.image for item in group if not item.skip]))
            yield [
                DrawnFrame(item.frame, item.first, None if item.skip else next(drawings)) for item in group
            ]


def _drawings(backend: Backend, images: list[Image]) -> Sequence[Image]:
    if not images:
        return []
    # One picture needs no stacking, which would copy it.
    drawings = backend(images[0][None] if len(images) == 1 else np.stack(images))
    if len(drawings) != len(images):
        raise ValueError(f"The back end returned {len(drawings)} drawings of {len(images)} pictures.")
    return list(drawings)


def _finish(drawn: Generator[list[DrawnFrame]], chain: EffectChain) -> Generator[Frame]:
    with closing(drawn):
        for group in drawn:
            for frame, first, drawing in group:
                if first:
                    chain.restart()
                yield chain(frame, drawing)


class _Closing:
    """`contextlib.closing` for what may have nothing to close, such as a list."""

    def __init__(self, items: object) -> None:
        self.items = items

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        close = getattr(self.items, "close", None)
        if close is not None:
            close()


def _timed(waits: StageWaits | None, name: str, call: Callable[..., Any], *args: Any) -> Any:
    if waits is None or not name:
        return call(*args)
    started = time.perf_counter()
    try:
        return call(*args)
    finally:
        setattr(waits, name, getattr(waits, name) + time.perf_counter() - started)
