"""Joins the finished segments of a video, each only if it follows the one before."""

from collections.abc import Mapping
from dataclasses import replace

from ..media import ResumableSink, Segment


class SegmentJoiner:
    """The finished segments of a video; `sink` writes those that follow one another from the start.

    `finished` holds the segments by their first frames, without those that are known to be wrong. `joined` is
    the last segment that was written, or None.
    """

    def __init__(self, sink: ResumableSink, joined: Segment | None) -> None:
        self._sink, self.joined = sink, joined
        self.finished = dict(sink.finished)

    @property
    def joined_frames(self) -> int:
        """The number of frames that are joined, from the start of the video."""
        return self.joined.end if self.joined else 0

    @property
    def finished_frames(self) -> int:
        """The number of frames in all finished segments."""
        return sum(segment.frames for segment in self.finished.values())

    @property
    def has_damage(self) -> bool:
        """Whether the source is damaged in a finished segment."""
        marks = [segment.mark for segment in self.finished.values()]
        return any(mark["packets"] or mark["frames"] for mark in marks)

    @property
    def misplaced(self) -> Segment | None:
        """The segment that begins where the joined ones end, but does not follow them; after `join`."""
        return self.finished.get(self.joined_frames)

    def add(self, segment: Segment, data: bytes, damage: Mapping[str, int]) -> Segment:
        """Keep a finished segment, and return it with the damage up to its end in its mark.

        Raises:
            ValueError: `data` is damaged, or of another segment.
        """
        self._sink.add_finished(segment, data)
        mark = segment.mark.copy()
        mark["packets"], mark["frames"] = damage["packets"], damage["frames"]
        kept = replace(segment, mark=mark)
        self.finished[kept.first] = kept
        return kept

    def join(self) -> None:
        """Write the segments that follow the last joined one."""
        while (segment := self.finished.get(self.joined_frames)) and segment.follows(self.joined):
            self._sink.append(segment)
            self.joined = segment

    def discard_from(self, frame: int) -> None:
        """Discard all segments that begin at `frame` or later."""
        self.finished = {first: segment for first, segment in self.finished.items() if first < frame}

    def discard_chain(self, segment: Segment) -> None:
        """Discard a segment, and those that follow it without a gap."""
        following: Segment | None = segment
        while following is not None:
            del self.finished[following.first]
            after = self.finished.get(following.end)
            following = after if after and after.follows(following) else None
