"""Interlaced video as whole pictures, by FFmpeg's bwdif filter (Bob Weaver, after the BBC's w3fdif)."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import av
from av.filter import Graph


def deinterlaced(frames: Iterator[av.VideoFrame], met: Callable[[], None]) -> Iterator[av.VideoFrame]:
    """The same number of frames, at the same times, without comb lines; `met` is called at the first comb.

    Frames that are not marked as interlaced pass as they are: before the first that is for nothing, later
    through the filter, which looks at the neighbours of a frame and so hands it out one later.
    """
    graph: Graph | None = None
    shape, time_base = None, Fraction(1)
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if shape is None:
            met()
        time_base = frame.time_base or time_base
        if shape != (frame.width, frame.height, frame.format.name):
            yield from _drained(graph, time_base)
            graph, shape = _bwdif(frame), (frame.width, frame.height, frame.format.name)
        assert graph is not None
        graph.vpush(frame)
        yield from _ready(graph, time_base)
    yield from _drained(graph, time_base)


def _bwdif(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph


def _drained(graph: Graph | None, time_base: Fraction) -> Iterator[av.VideoFrame]:
    if graph is not None:
        graph.vpush(None)
        yield from _ready(graph, time_base)


def _ready(graph: Graph, time_base: Fraction) -> Iterator[av.VideoFrame]:
    """What the filter hands out now, on the clock of the source; its own ticks twice as fast."""
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        ticks = (frame.time_base or time_base) / time_base
        frame.duration = round(frame.duration * ticks)
        if frame.pts is not None:
            frame.pts = round(frame.pts * ticks)
        frame.time_base = time_base
        yield frame
