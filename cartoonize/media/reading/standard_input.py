"""Standard input as a file for FFmpeg. The structure of the container is parsed while it is read."""

import os
import sys
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from av.container import InputContainer
from av.stream import Stream

from .parsers import parser_for
from .parsers.structure import ContainerStructure, Parser, StreamingParser, parse_open_file

STANDARD_INPUT = Path("-")
"""The path that stands for standard input."""
_CHUNK = 1 << 16
_BEFORE_DATA = {b"ftyp", b"free", b"skip", b"wide", b"uuid", b"pdin"}
"""The boxes of an MP4 or MOV file that may be before the data, and say nothing about them."""


class PipeInput:
    """A pipe, which can be read only once. `size` is the number of bytes read so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.size = file, 0
        self.head = bytearray()  # the bytes read until the container is known
        self._is_identified = False
        self._parser: StreamingParser | None = None

    @property
    def has_index_last(self) -> bool:
        """Whether it is an MP4 or MOV file whose data come before its index, as far as was read."""
        offset = 0
        while (kind := self.head[offset + 4 : offset + 8]) and bytes(kind) in _BEFORE_DATA:
            offset += max(8, int.from_bytes(self.head[offset : offset + 4]))
        return kind == b"mdat"

    def read(self, length: int) -> bytes:
        """Return the next bytes, as many as are available, `length` at most.

        A file whose index is last ends here: FFmpeg cannot go back to its data, and would fill the memory.
        """
        if not self._is_identified and self.has_index_last:
            return b""
        data = self._file.read1(length) if isinstance(self._file, BufferedReader) else self._file.read(length)
        self.size += len(data)
        if self._parser is not None:
            self._parser.feed(data)
        elif not self._is_identified:
            self.head += data
        return data

    def identify(self, container: InputContainer, video: Stream) -> None:
        """Begin to parse, now that FFmpeg has found out which container and stream it is."""
        parser = parser_for(container.format.name)
        self._parser = StreamingParser(parser, video_index(container, video)) if parser else None
        self._is_identified = True
        if self._parser is not None:
            self._parser.feed(bytes(self.head))
        self.head.clear()

    def finish(self) -> ContainerStructure | None:
        """Read the rest, and return the structure; None if there is no parser for the container."""
        while self.read(_CHUNK):  # FFmpeg does not read beyond the last frame
            pass
        if self._parser is None:
            return None
        self._parser.finish()
        return self._parser.structure


class RedirectedInput(PipeInput):
    """Standard input that is a file (`< FILE`), in which FFmpeg can seek."""

    def read(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        return self._file.read(length)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Seek as in a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the offset, as of any file."""
        return self._file.tell()

    def identify(self, container: InputContainer, video: Stream) -> None:
        """Remember which container and stream it is."""
        self._file_parser: Parser | None = parser_for(container.format.name)
        self._video_index = video_index(container, video)

    def finish(self) -> ContainerStructure | None:
        """Parse the file."""
        self.size = self._file.seek(0, os.SEEK_END)
        if self._file_parser is None:
            return None
        return parse_open_file(self._file, self._file_parser, self._video_index)


def open_standard_input() -> PipeInput:
    """Standard input as FFmpeg reads it."""
    file = sys.stdin.buffer
    return (RedirectedInput if file.seekable() else PipeInput)(file)


def video_index(container: InputContainer, video: Stream) -> int:
    """The number of a video stream among the video streams."""
    return [stream.index for stream in container.streams.video].index(video.index)
