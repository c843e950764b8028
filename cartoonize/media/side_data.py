"""Side data of frames, as the bytes of FFmpeg's structures."""

from collections.abc import Iterable
from typing import cast

import av
from av.sidedata.sidedata import SideData, Type


def get_side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    """The bytes of one kind of side data; empty if the frame has none of it."""
    attached = cast("Iterable[SideData]", frame.side_data)  # PyAV types it as a mapping of strings
    return next((bytes(data) for data in attached if data.type == kind), b"")
