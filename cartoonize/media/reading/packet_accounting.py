"""Accounts for every video packet: either a frame came out of it, or the frame is counted as missing.

Decoders drop packets silently, and more of them with more threads. So each packet gets a number, which its
frame carries in place of its time. A packet is

    pending    until its frame comes out,
    lost       once a frame that is due later has come out before it, or at the end; its frame may still come.
"""

import math
from typing import Any

import av
from av.packet import Packet

from ..damage import Damage

INTRA = {
    "mjpeg", "png", "apng", "gif", "prores", "dnxhd", "ffv1", "rawvideo", "dvvideo", "qtrle", "huffyuv",
    "ffvhuff", "utvideo", "cfhd", "webp",
}  # fmt: skip
"""Codecs whose frames are all independent."""
_ONE_FRAME_PER_PACKET = INTRA | {
    "h264", "hevc", "vvc", "av1", "vp9", "vp8", "mpeg4", "mpeg2video", "mpeg1video", "flv1", "h263",
    "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "theora",
}  # fmt: skip
"""Codecs with one frame for each packet, apart from packets that `_makes_frame` excludes. For other codecs
only the errors of the decoder are counted."""
_NOT_CODED_SIZE = 20
"""An MPEG-4 packet of fewer bytes repeats the preceding frame; decoders return nothing for it."""
_MPEG4_PICTURE = b"\0\0\1\xb6"
_MAX_REORDER = 64
"""Packets by which a frame can come out late, after one of a later packet; no codec delays more than 16."""
_MAX_PENDING = 1 << 12
"""Packets after which a frame is expected no longer if no frame comes out at all. A decoder holds fewer than
a hundred; the others are for the second try of FrameDecoder."""


class FrameMatcher:
    """Matches frames to packets, and counts in `damage` the packets whose frame is certainly missing.

    Two kinds of packets are not counted, as their frames refer to others that the file lacks: those that are
    stored after the first keyframe but shown before it, and, with `starts_anywhere`, those before the first
    keyframe. `codec` is FFmpeg's name of the format.

    `next_number` is the number of the next packet; `pending` holds the times of the pending packets by their
    numbers.
    """

    def __init__(self, codec: str, damage: Damage, *, starts_anywhere: bool = False) -> None:
        self._codec, self._damage = codec, damage
        self._counts_packets = codec in _ONE_FRAME_PER_PACKET
        self.next_number = 0
        self.pending: dict[int, float] = {}
        self._lost: set[int] = set()
        self._original_pts: dict[int, int | None] = {}  # of packets whose frame has not come out, by number
        self._is_packed, self._has_begun = False, not starts_anywhere
        self._keyframes = 0
        self._first_shown = -math.inf  # the time of the first keyframe, until the second comes
        self._decoder_keeps_numbers = False  # as seen by a frame with the number of a packet
        self._replacements = 0  # frames that the decoder made up for missing ones
        self._decoder_errors = 0
        self._reported = 0  # missing frames that `damage` counts already
        self._interlaced: set[int] = set()  # numbers of packets with interlaced frames

    def submit(self, packet: "Packet[Any]") -> int:
        """Number a packet before it goes into the decoder: set its `pts` to the number, and return that.

        Decoders pass times through unchanged. The field for user data (`opaque`) can deadlock PyAV: threads
        of FFmpeg release it, for which they need the interpreter lock, whose holder waits for them.
        """
        number, time = self.next_number, math.nan if packet.pts is None else float(packet.pts)
        self.next_number += 1
        self._give_up(number - _MAX_PENDING)  # a damaged file may have millions of packets without a frame
        self._original_pts[number] = packet.pts
        # DivX puts two pictures into a packet of AVI, and FFmpeg gives them times in the order of decoding.
        self._is_packed |= self._codec == "mpeg4" and bytes(packet).count(_MPEG4_PICTURE) > 1
        if packet.is_keyframe:
            self._first_shown = -math.inf if self._keyframes else time
            self._keyframes, self._has_begun = self._keyframes + 1, True
        if self._must_make_frame(packet, time):
            self.pending[number] = time
        packet.pts = number
        return number

    def receive(self, frame: av.VideoFrame) -> None:
        """Restore the time of a frame that came out of the decoder, and update `damage`."""
        number = frame.pts
        if number is None or number not in self._original_pts:
            frame.pts = None
            self._replacements += 1
            self._damage.frames += self._decoder_keeps_numbers and not frame.is_corrupt
            return
        if self._is_packed:
            self._exchange_time(number)
        frame.pts = self._original_pts.pop(number)
        self._has_begun = self._decoder_keeps_numbers = True
        self.pending.pop(number, None)
        self._lost.discard(number)
        if self._codec == "h264" and frame.interlaced_frame:
            self._interlaced.add(number)
        self._lose_overdue(number, math.nan if frame.pts is None else frame.pts)
        # Which packets are second fields is known at the end only.
        self._report(0 if self._interlaced else len(self._lost) - self._replacements)

    def _exchange_time(self, number: int) -> None:
        """Give a packet the earliest time that is left, as its frame is the next one that is shown."""
        left = self._original_pts
        times = {n: time for n, time in left.items() if n >= number - 1 and time is not None}
        first = min(times, key=times.__getitem__, default=number)
        left[number], left[first] = left[first], left[number]

    def record_error(self) -> None:
        """Count an error of the decoder. For codecs whose packets are counted, the missing frame counts."""
        self._decoder_errors += 1
        if not self._counts_packets:
            self._report(self._decoder_errors)

    def finish(self) -> None:
        """Count the frames that are still missing; call it after the last frame."""
        self._lost |= self.pending.keys()
        self.pending.clear()
        if self._counts_packets and (self._decoder_keeps_numbers or not self._replacements):
            self._report(len(self._lost - self._second_fields()) - self._replacements)
        else:
            self._report(self._decoder_errors)

    def _must_make_frame(self, packet: "Packet[Any]", time: float) -> bool:
        """Whether a frame is missing if none comes out of a packet."""
        is_shown_before_first = time < self._first_shown  # false for an unknown time
        is_counted = self._counts_packets and self._has_begun and not is_shown_before_first
        return is_counted and _makes_frame(self._codec, packet)

    def _lose_overdue(self, number: int, time: float) -> None:
        """Move packets whose frame is overdue to `_lost`, after frame `number` came out, due at `time`."""
        oldest = number - _MAX_REORDER
        for old in [old for old in self._original_pts if old < oldest]:
            del self._original_pts[old]
        overdue = {n for n, due in self.pending.items() if due < time or n < oldest}
        self._lost |= overdue
        for n in overdue:
            del self.pending[n]

    def _give_up(self, number: int) -> None:
        """Expect a packet's frame no longer."""
        self._original_pts.pop(number, None)
        if self.pending.pop(number, None) is not None:
            self._lost.add(number)

    def _report(self, missing: int) -> None:
        """Bring the count in `damage`, which others change too, to the number of missing frames."""
        self._damage.packets += max(missing, 0) - self._reported
        self._reported = max(missing, 0)

    def _second_fields(self) -> set[int]:
        """Lost packets that hold the second field of the preceding frame; in a stream all do, or none."""
        second = {number for number in self._lost if number - 1 in self._interlaced}
        return second if len(second) > len(self._interlaced) / 2 else set()


def _makes_frame(codec: str, packet: "Packet[Any]") -> bool:
    """Whether a decoder should return a frame for a packet, by its size and its first bytes."""
    if not packet.size or packet.is_discard:
        return False
    if codec == "vp8":
        tag = bytes(memoryview(packet)[:3])
        partition_size = int.from_bytes(tag, "little") >> 5
        is_damaged = not 0 < partition_size < packet.size
        return bool(tag[0] & 0x10) or is_damaged  # show_frame (RFC 6386, 9.1)
    if codec == "gif":
        return not _is_gif_end(bytes(packet))
    return codec != "mpeg4" or packet.size >= _NOT_CODED_SIZE


def _is_gif_end(data: bytes) -> bool:
    """Whether a packet of a GIF file holds no image: comments and other extensions, and the trailer."""
    offset = 0
    while data[offset : offset + 1] == b"!":
        offset += 2
        while length := data[offset : offset + 1].strip(b"\0"):
            offset += 1 + length[0]
        offset += 1
    return data[offset:] == b";"
