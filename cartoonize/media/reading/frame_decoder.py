"""Decoding video packets, with a second try for those that the threads of a decoder lose."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, cast

import av
from av.packet import Packet

from ..damage import Damage
from .packet_accounting import FrameMatcher

_MAX_KEPT = 64 << 20
"""Bytes of packets that are kept for the second try."""
_PACKET_BYTES = 1 << 9
"""Bytes that a packet takes besides its data."""


class FrameDecoder:
    """Decodes the packets of a video stream, and counts in `damage` those without a frame.

    A decoder whose threads decode a frame each loses what follows an error in the last packets. So the
    packets of the last groups of pictures are kept, and a second decoder with one thread decodes again what
    is missing at the end. `codec` is FFmpeg's name of the format; for `starts_anywhere` see FrameMatcher.
    """

    def __init__(
        self, context: av.VideoCodecContext, codec: str, damage: Damage, *, starts_anywhere: bool = False
    ) -> None:
        self._context, self._damage = context, damage
        self._matcher = FrameMatcher(codec, damage, starts_anywhere=starts_anywhere)
        self._groups: deque[list[tuple[int, Packet[Any]]]] = deque()  # numbered packets
        self._kept = 0  # bytes

    def decode(self, packet: "Packet[Any]") -> Iterator[av.VideoFrame]:
        """Decode a packet, and yield the frames that are ready."""
        self._keep(self._matcher.submit(packet), packet)
        yield from self._match(self._decode(packet))

    def finish(self) -> Iterator[av.VideoFrame]:
        """Yield the remaining frames."""
        yield from self._match(self._decode(None))
        missing = set(self._matcher.pending)
        if missing and self._groups and self._groups[0][0][0] <= min(missing):
            yield from self._match(self._decode_again(missing))
        self._matcher.finish()

    def _decode(self, packet: "Packet[Any] | None") -> list[av.VideoFrame]:
        try:
            return self._context.decode(packet)
        except av.error.FFmpegError:  # whatever the decoder reports, the data are damaged
            self._matcher.record_error()
            return []

    def _match(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        for frame in frames:
            self._matcher.receive(frame)
            self._damage.frames += frame.is_corrupt
            yield frame

    def _decode_again(self, missing: set[int]) -> Iterator[av.VideoFrame]:
        decoder = self._create_single_threaded()
        for _, packet in chain(*self._groups, [(0, None)]):
            with suppress(av.error.FFmpegError):
                for frame in decoder.decode(packet):
                    if frame.pts in missing:
                        missing.remove(frame.pts)
                        yield frame

    def _create_single_threaded(self) -> av.VideoCodecContext:
        """The same decoder with one thread. The first one, once flushed, can wait for its own threads
        forever."""
        decoder = cast("av.VideoCodecContext", av.CodecContext.create(self._context.codec, "r"))
        decoder.thread_count, decoder.extradata = 1, self._context.extradata
        decoder.width, decoder.height = self._context.width, self._context.height
        decoder.options.update(self._context.options)
        return decoder

    def _keep(self, number: int, packet: "Packet[Any]") -> None:
        """Keep the groups with pending packets, and the group before, to which those may refer."""
        if packet.is_keyframe or not self._groups:
            self._groups.append([])
        self._groups[-1].append((number, packet))
        self._kept += packet.size + _PACKET_BYTES
        oldest = next(iter(self._matcher.pending), self._matcher.next_number)  # in order of their numbers
        while len(self._groups) > 2 and (self._groups[2][0][0] <= oldest or self._kept > _MAX_KEPT):
            self._kept -= sum(dropped.size + _PACKET_BYTES for _, dropped in self._groups.popleft())
        if self._kept > _MAX_KEPT:
            self._groups.clear()
            self._kept = 0
