"""The one loop: frames are read, drawn and finished, each in a thread, and handed to the caller's thread.

    reading thread -> queue -> network's thread -> queue -> effects' thread -> queue -> caller (encodes)

All of it is plain generators connected by `prefetch` (threads.py).
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np

from ..core.frames import Backend, Frame, Image
from ..effects.effect import Effect, EffectChain
from .segment_length import segment_length
from .threads import Closing, StageWaits, prefetch


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
        batch: frames per call.
        ahead: batches that may wait in either queue; bounds the memory.
        effects: applied to each frame and its drawing, in a thread of their own; `Look.effects` lists those
            of the command line.
        segment: frames after which the effects restart and a new batch begins, so that the result is the same
            wherever a run is resumed; None for the length that `cartoonize video` uses with such a batch.
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
        with Closing(planned):
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


def _plan(frames: Iterable[Frame], chain: EffectChain, segment: int) -> Generator[PlannedFrame]:
    """Mark where segments begin, and which frames the network skips."""
    with Closing(frames):
        for number, frame in enumerate(frames):
            first = number % segment == 0
            yield PlannedFrame(frame, first, chain.skip(frame, first=first))


def _draw(backend: Backend, groups: Generator[list[PlannedFrame]]) -> Generator[list[DrawnFrame]]:
    with closing(groups):
        for group in groups:
            drawings = iter(_draw_images(backend, [item.frame.image for item in group if not item.skip]))
            yield [
                DrawnFrame(item.frame, item.first, None if item.skip else next(drawings)) for item in group
            ]


def _draw_images(backend: Backend, images: list[Image]) -> Sequence[Image]:
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
