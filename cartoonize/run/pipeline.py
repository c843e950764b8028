"""The pipeline: one thread reads frames, one draws them, one applies effects; the caller gets the results.

    reading thread -> queue -> network's thread -> queue -> effects' thread -> queue -> caller (encodes)

All stages are generators that `prefetch` (threads.py) connects.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import NamedTuple

from ..core.errors import MediaError
from ..core.frames import Backend, Frame, Image
from ..effects.effect import Effect, EffectChain
from .drawer import Drawer
from .threads import StageWaits, closing_items, prefetch, timed

SEGMENT = 120
"""Frames of a segment (segmented.py), before they are rounded up to whole batches. A killed run loses one
segment at most. Each segment costs a keyframe, and the encoder, which works on several frames at once, has to
drain; at 24 frames/s that is every five seconds."""


class PlannedFrame(NamedTuple):
    """A frame, whether it is the `first` of a segment, and whether the network is to `skip` it."""

    frame: Frame
    first: bool = False
    skip: bool = False


class DrawnGroup(NamedTuple):
    """Neighbouring frames, and a function that waits for the drawings of those that were not skipped."""

    frames: list[PlannedFrame]
    drawings: Callable[[], Sequence[Image]]


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
    """Draw frames, apply effects, and yield them in order, each at its time and at the size of the source.

    Wrap the result in `contextlib.closing(...)`, so that all threads stop when you stop reading early. Errors
    of the source, the backend and the effects are raised here.

    Args:
        frames: a source, or other frames. A thread reads them, up to `ahead` batches in advance.
        backend: what draws. Another thread calls it with up to `batch` consecutive frames of one size.
        batch: frames per call of the backend.
        ahead: batches that may wait in each queue, which bounds the memory.
        effects: what to apply to each frame and its drawing, in a third thread. `Look.effects` lists those of
            the command line.
        segment: frames after which the effects restart and a new batch begins; None for the length that
            `cartoonize video` uses with this batch.
        waits: the seconds spent waiting for each stage are added to it.

    Raises:
        MediaError: `batch` or `ahead` is less than 1.
    """
    if batch < 1 or ahead < 1:
        raise MediaError(f"{min(batch, ahead)} is not a number of frames; write 1 or more.")
    waits = waits or StageWaits()
    drawer = Drawer(backend, effects)
    planned = _plan(frames, drawer.effects, segment or segment_length(batch))
    decoded = prefetch(planned, batch * ahead, waits, "decode")
    drawn = prefetch(_draw(drawer, batches(decoded, batch)), ahead, waits, "network", "encode")
    return prefetch(_finish(drawn, drawer.effects, waits), ahead)


def segment_length(batch: int) -> int:
    """Frames of a segment if the network draws `batch` frames per call."""
    return -(-SEGMENT // batch) * batch


def batches(planned: Iterable[PlannedFrame], size: int) -> Generator[list[PlannedFrame]]:
    """Group neighbours of equal size and of one segment; up to `size` of a group are not skipped."""
    group: list[PlannedFrame] = []
    count = 0
    try:
        with closing_items(planned):
            for item in planned:
                if group and (item.first or _sizes(item) != _sizes(group[0])):
                    yield group
                    group, count = [], 0
                group.append(item)
                count += not item.skip
                if count == size:
                    yield group
                    group, count = [], 0
    except Exception:  # frames that were read before the source failed are still converted
        if group:
            yield group
        raise
    if group:
        yield group


def _plan(frames: Iterable[Frame], chain: EffectChain, segment: int) -> Generator[PlannedFrame]:
    """Mark where segments begin, and which frames the network skips."""
    with closing_items(frames):
        for number, frame in enumerate(frames):
            first = number % segment == 0
            yield PlannedFrame(frame, first, chain.skip(frame, first=first))


def _sizes(item: PlannedFrame) -> tuple[tuple[int, ...], tuple[int, int]]:
    """The size at which a frame is drawn, and its own."""
    return item.frame.image.shape, item.frame.size


def _draw(drawer: Drawer, groups: Generator[list[PlannedFrame]]) -> Generator[DrawnGroup]:
    with closing(groups):
        for group in groups:
            frames = [item.frame for item in group if not item.skip]
            yield DrawnGroup(group, drawer(frames, first=group[0].first))


def _finish(drawn: Generator[DrawnGroup], chain: EffectChain, waits: StageWaits) -> Generator[Frame]:
    with closing(drawn):
        for group in drawn:
            drawings = iter(timed(waits, "network", group.drawings))
            for item in group.frames:
                if item.first:
                    chain.restart()
                yield chain(item.frame, None if item.skip else next(drawings))
