"""Side data of frames, as the bytes of FFmpeg's structures."""

from collections.abc import Mapping
from fractions import Fraction
from typing import cast

import av
from av.filter import Graph
from av.sidedata.sidedata import SideData, Type


def get_side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    """The bytes of one kind of side data; empty if the frame has none of it."""
    if frame.format.name in _PNG_FORMATS:
        frame = _without_profile(frame)
    attached = cast("Mapping[Type, SideData]", frame.side_data)  # PyAV 18 types it as a mapping of strings
    return bytes(attached.get(kind, b""))


_PNG_FORMATS = {
    "rgb24", "rgba", "rgb48be", "rgba64be", "gray", "gray16be", "ya8", "ya16be", "pal8", "monob",
}  # fmt: skip


def _without_profile(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame without the ICC profile that FFmpeg's decoder of PNG attaches, with a name.

    PyAV 18 frees the name of side data, and FFmpeg frees it again with the frame, which ends the process.
    """
    graph = Graph()
    graph.threads = 1
    base = frame.time_base or Fraction(1, 1000)
    layout = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={base}"
    colours = f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
    source = graph.add("buffer", f"{layout}:{colours}")
    removal = graph.add("sidedata", "mode=delete:type=ICC_PROFILE")
    graph.link_nodes(source, removal, graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


_NOT_WRITTEN = {
    Type.A53_CC: "closed captions in its picture",
    Type.SPHERICAL: "a 360-degree mapping",
    Type.STEREO3D: "a 3D layout",
}
"""Side data that players use, and that PyAV cannot write."""


def lost_side_data_notice(name: str, first: av.VideoFrame) -> str | None:
    """The notice for the side data of a video, by its first frame, that no output can hold; else None."""
    lost = [words for kind, words in _NOT_WRITTEN.items() if get_side_data(first, kind)]
    return f"{name} has {' and '.join(lost)}, which the output lacks." if lost else None
