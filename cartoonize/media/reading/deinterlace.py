"""Deinterlacing by FFmpeg's bwdif filter (Bob Weaver, after the BBC's w3fdif)."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import av
from av.filter import Graph


def deinterlace(
    frames: Iterator[av.VideoFrame], on_first_interlaced: Callable[[], None]
) -> Iterator[av.VideoFrame]:
    """Return as many frames at the same times, deinterlaced. The callback is called at the first interlaced
    one.

    Frames that are not marked as interlaced stay unchanged. Before the first interlaced one they bypass the
    filter. Later they pass through it, because it needs the neighbours of a frame and returns frames one step
    late.
    """
    graph: Graph | None = None
    shape, time_base = None, Fraction(1, 1000)  # frames that a decoder returns at the end have no time base
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if shape is None:
            on_first_interlaced()
        time_base = Fraction(frame.time_base or time_base)
        if shape != (frame.width, frame.height, frame.format.name):
            yield from _drain(graph, time_base)
            graph, shape = _build_graph(frame, time_base), (frame.width, frame.height, frame.format.name)
        assert graph is not None
        graph.vpush(frame)
        yield from _pull(graph, time_base)
    yield from _drain(graph, time_base)


def _build_graph(frame: av.VideoFrame, time_base: Fraction) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=time_base
    )
    bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph


def _drain(graph: Graph | None, time_base: Fraction) -> Iterator[av.VideoFrame]:
    if graph is not None:
        graph.vpush(None)
        yield from _pull(graph, time_base)


def _pull(graph: Graph, time_base: Fraction) -> Iterator[av.VideoFrame]:
    """The frames that the filter has ready, on the clock of the source; the filter's own ticks are half as
    long."""
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        ticks = Fraction(frame.time_base or time_base) / time_base
        frame.duration = round(frame.duration * ticks)
        if frame.pts is not None:
            frame.pts = round(frame.pts * ticks)
        frame.time_base = time_base
        yield frame
