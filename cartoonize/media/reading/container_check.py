"""Compares the frames that a container declares with the packets that were read from it."""

import itertools
import math
from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from ..damage import Damage
from ..remote import Location
from ..streams import codec_name
from .mpeg_pictures import MPEG_CODECS, PictureNumbers
from .parsers import parser_for
from .parsers.structure import ContainerStructure, parse_file
from .standard_input import PipeInput, video_index

STARTS_ANYWHERE = {"mpegts", "mpeg", "h264", "hevc", "mpegvideo"}
"""Containers, by FFmpeg's name, of recordings that can begin within a group of pictures."""
_MAX_HEADER = 16
"""Bytes between where a frame begins in a container and where FFmpeg says that its packet begins."""


class ContainerCheck:
    """Counts the packets of a video stream, and compares them at the end with the structure of the file.

    `standard_input` is given for a file that can be read only once. Nothing is known of containers that
    neither list their frames nor show gaps by their structure: the lengths in their headers are often
    estimates. `is_from_start` tells that reading begins with the first packet of the file.

    After the end, `track_end` is the second at which the track ends, if the container states that, and
    `is_last_shown` whether the last packet is also the last that is shown.
    """

    def __init__(
        self,
        path: Location,
        container: InputContainer,
        video: Stream,
        standard_input: PipeInput | None = None,
        *,
        is_from_start: bool,
    ) -> None:
        self._path, self._format, self._video = path, container.format.name, video
        self._input, self._parser = standard_input, parser_for(self._format)
        self._video_index = video_index(container, video)
        # FFmpeg appends to the index of an AVI file what it finds while it reads.
        self._avi_frames = self._count_avi_frames() if self._format == "avi" else 0
        self._is_from_start = is_from_start
        is_numbered = codec_name(video) in MPEG_CODECS
        self._picture_numbers = PictureNumbers() if is_numbered else None
        self._packets, self._first_offset, self._first_dts = 0, 0, -math.inf
        self._last_dts, self._has_unordered = -math.inf, False
        self._last_shown, self.is_last_shown = -math.inf, True
        self.track_end: Fraction | None = None
        self._end = 0  # offset of the end of the last packet

    def count(self, packet: "Packet[Any]") -> None:
        """Count a packet of the video stream."""
        if not self._packets:
            self._first_offset = packet.pos or 0
            self._first_dts = -math.inf if packet.dts is None else packet.dts
        if packet.dts is not None:
            # FFmpeg discards packets whose time is before that of others that it has returned.
            self._has_unordered |= packet.is_discard and packet.dts < self._last_dts
            self._last_dts = packet.dts
        if packet.pts is not None and not packet.is_discard:
            self.is_last_shown = packet.pts >= self._last_shown
            self._last_shown = max(packet.pts, self._last_shown)
        if self._picture_numbers is not None:
            self._picture_numbers.read(packet)
        self._packets += 1
        self._end = max(self._end, (packet.pos or 0) + packet.size)

    def finish(self, damage: Damage) -> None:
        """Note in `damage` what did not come out. A file that was deleted meanwhile is not checked."""
        try:
            structure, size = self._parse(), self._size()
        except FileNotFoundError:
            return
        self.track_end = structure.track_ends.get(self._video.id) if structure else None
        if self._picture_numbers is not None:
            self._picture_numbers.finish()
            damage.packets += self._picture_numbers.missing
        expected = self._expected_packets(structure)
        if expected is None:  # a damaged file may have had more packets than were read
            damage.container |= bool(damage)
        elif expected > self._packets:
            damage.packets += expected - self._packets
        damage.container |= self._has_unordered and not self._repeats_parts()
        if self._format == "yuv4mpegpipe":
            damage.container |= size > self._end
        elif structure is not None and not structure.intact:
            damage.container = True

    def _expected_packets(self, structure: ContainerStructure | None) -> int | None:
        """The packets from the first one that was counted to the end; None if the file does not tell."""
        if self._format.startswith("mov"):
            entries = self._video.index_entries
            begin = -math.inf if self._is_from_start else self._first_dts
            return sum(entries[n].timestamp >= begin for n in range(len(entries)))
        from_beginning = self._is_from_start or self._first_dts <= 0
        counts = [self._avi_frames] if self._format == "avi" and from_beginning else []
        if structure is not None and structure.frame_offsets is not None:
            begin = self._first_offset - _MAX_HEADER
            counts.append(sum(offset >= begin for offset in structure.frame_offsets))
        elif structure is not None and structure.frame_count is not None and from_beginning:
            counts.append(structure.frame_count)
        return max(counts, default=None)

    def _repeats_parts(self) -> bool:
        """Whether an edit list shows parts of an MP4 file in another order than they are stored."""
        entries = self._video.index_entries
        times = [entries[n].timestamp for n in range(len(entries))]
        return self._format.startswith("mov") and any(b < a for a, b in itertools.pairwise(times))

    def _count_avi_frames(self) -> int:
        """The frames in the index of an AVI file; empty ones repeat the frame before."""
        entries = self._video.index_entries
        return sum(entries[n].size > 0 for n in range(len(entries)))

    def _parse(self) -> ContainerStructure | None:
        if self._input is not None:
            return self._input.finish()
        return parse_file(self._path, self._parser, self._video_index) if self._parser else None

    def _size(self) -> int:
        return self._input.size if self._input is not None else self._path.stat().st_size
