"""Parsing container files to check that they are complete: which frames they declare, and where they end.

FFmpeg skips broken parts of a file silently. Each parser reads the structure of one container again: of a
file without its payload, of a pipe from the bytes that FFmpeg reads anyway.
"""

import os
from array import array
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, TypeAlias

from ...remote import Location


@dataclass(slots=True)
class ContainerStructure:
    """The structure of a container file, as far as its parser got.

    `intact` says that the file is well formed up to its end. `frame_offsets` holds the offsets in bytes of
    the frames of the video stream, and `frame_count` the number of frames that the file declares; both are
    None where the container does not tell. `track_ends` holds the second at which each track ends, by the id
    that FFmpeg gives it, if the container states it. `size` is the size of the file in bytes.
    """

    intact: bool = False
    frame_offsets: "array[int] | None" = None
    frame_count: int | None = None
    track_ends: dict[int, Fraction] = field(default_factory=dict)
    size: int = 0


def new_offsets() -> "array[int]":
    """An empty list of offsets; a number takes 8 bytes, as a stranger's file can have millions of frames."""
    return array("q")


Requests: TypeAlias = Generator[tuple[int, int], bytes, None]
"""Yields (offset, length) and receives those bytes. Offsets never decrease, and at the end of the file fewer
bytes arrive than were requested."""

Parser: TypeAlias = Callable[[ContainerStructure, int], Requests]
"""Fills in a ContainerStructure. The second argument is the number of the video stream among the video
streams of the file."""


def parse_file(path: Location, parser: Parser, video_index: int) -> ContainerStructure:
    """Parse a file by its path. A Matroska file of an hour takes about half a second."""
    with path.open("rb") as file:
        return parse_open_file(file, parser, video_index)


def parse_open_file(file: BinaryIO, parser: Parser, video_index: int) -> ContainerStructure:
    """Parse a file that is open and can seek."""
    structure = ContainerStructure(size=file.seek(0, os.SEEK_END))
    requests = parser(structure, video_index)
    with suppress(StopIteration):
        offset, length = next(requests)
        while True:
            file.seek(offset)
            offset, length = requests.send(file.read(length))
    return structure


class StreamingParser:
    """Parses bytes that arrive once, in order. `structure` is complete after `finish`."""

    def __init__(self, parser: Parser, video_index: int) -> None:
        self.structure = ContainerStructure()
        self._requests: Requests | None = parser(self.structure, video_index)
        self._request = next(self._requests)
        self._buffer, self._buffer_offset = bytearray(), 0  # bytes that the parser may still request

    def feed(self, data: bytes) -> None:
        """Parse the next bytes."""
        self.structure.size += len(data)
        if self._requests is not None:
            self._buffer += data
            self._answer_requests()

    def finish(self) -> None:
        """Parse what is buffered, as no more bytes come."""
        while self._requests is not None:
            self._answer_request()

    def _answer_requests(self) -> None:
        while self._requests is not None:
            offset, length = self._request
            skipped = min(offset - self._buffer_offset, len(self._buffer))
            del self._buffer[:skipped]
            self._buffer_offset += skipped
            if self._buffer_offset < offset or len(self._buffer) < length:
                return
            self._answer_request()

    def _answer_request(self) -> None:
        assert self._requests is not None
        offset, length = self._request
        begin = offset - self._buffer_offset
        try:
            self._request = self._requests.send(bytes(self._buffer[begin : begin + length]))
        except StopIteration:
            self._requests = None
            self._buffer.clear()
