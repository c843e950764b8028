"""Side data of frames, as the bytes of FFmpeg's structures."""

from collections.abc import Iterable
from typing import cast

import av
from av.sidedata.sidedata import SideData, Type


def get_side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    """The bytes of one kind of side data; empty if the frame has none of it."""
    attached = cast("Iterable[SideData]", frame.side_data)  # PyAV types it as a mapping of strings
    return next((bytes(data) for data in attached if data.type == kind), b"")


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
