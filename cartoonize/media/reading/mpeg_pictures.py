"""Finds pictures that are missing from MPEG-1 and MPEG-2 video, whose pictures are numbered."""

from typing import Any

from av.packet import Packet

MPEG_CODECS = {"mpeg1video", "mpeg2video"}
_GROUP, _PICTURE = b"\0\0\1\xb8", b"\0\0\1\0"  # start codes
_MAX_GROUP = 512  # pictures; the numbers begin again after 1024


class PictureNumbers:
    """Reads the temporal reference of each picture (ISO/IEC 13818-2, 6.3.9), its number within its group.

    `missing` counts the gaps in complete groups. What comes before the first number of a group is not
    missed: programs that cut videos leave out pictures which refer to the group before. A recording may begin
    anywhere in a group, and within a picture.
    """

    def __init__(self) -> None:
        self.missing = 0
        self._numbers = set[int]()  # of the current group
        self._is_complete, self._are_reliable = False, True

    def read(self, packet: "Packet[Any]") -> None:
        """Read the number of a packet, which holds one picture."""
        data = bytes(packet)
        offset = data.find(_PICTURE)
        if offset < 0:
            return
        if data.find(_GROUP, 0, offset) >= 0:
            self.finish()
            self._is_complete = True
        number = int.from_bytes(data[offset + 4 : offset + 6]) >> 6
        self._are_reliable &= number not in self._numbers
        self._numbers.add(number)

    def finish(self) -> None:
        """End the group."""
        span = max(self._numbers) - min(self._numbers) + 1 if self._numbers else 0
        if self._is_complete and self._are_reliable and span <= _MAX_GROUP:
            self.missing += span - len(self._numbers)
        self._numbers.clear()
