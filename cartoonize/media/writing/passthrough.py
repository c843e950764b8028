"""Copies everything of a video except its picture: sound, subtitles, attachments, chapters, metadata.

They are read from the source through a second handle: decoding a container in one thread while reading it in
another crashes in some builds of FFmpeg. Packets are copied as they are (stream copy); sound that the
target cannot hold is re-encoded; a notice names what is left out.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from ...core.containers import Container, container_named
from ...core.errors import MediaError
from ..damage import Damage, demux_past_damage, is_system_error
from ..remote import decode_metadata, open_container
from ..streams import codec_name, is_cover
from ..video_info import OtherStreams
from .metadata import copy_description, missing_keys, portable_metadata
from .track_selection import TrackSelection

if TYPE_CHECKING:
    from av.container.core import Chapter

_ROUNDED = 0.001
"""Seconds to which the times of packets are rounded, or less."""
_LONGEST = 1e6
"""Seconds. Files state all bits set if they do not know how long a subtitle is shown, which MP4 refuses."""
_PHONE_KEYS = ("com.apple.", "com.android.")  # the make, the place and the date of a recording


class Passthrough:
    """Copies all streams except the picture from the file of `source` to `output`, in step with the frames.

    Create it after the picture's stream was added, and before the header is written. It appends to `notices`.
    """

    def __init__(
        self, source: OtherStreams, output: OutputContainer, audio: bool, notices: list[str]
    ) -> None:
        self._source, self._output, self._notices = source, output, notices
        self._container: Container = container_named(output.format.name)
        self._begins = _sound_begin(source, self._container)
        self._length = math.inf if source.end is None else source.end - (source.start or 0.0)
        self._next: tuple[float, Packet[Any]] | None = None
        self._damage = Damage()
        self._heard = set[int]()  # the indexes of streams of sound of which something was read
        self._input = self._open_input()
        with ExitStack() as on_error:
            on_error.callback(self.close)
            selection = TrackSelection(
                source, self._input, output, self._container, self._read_cover, notices
            )
            self._tracks = selection.add_all(audio=audio)
            self._copy_descriptions()
            self._packets = self._read_packets()
            on_error.pop_all()

    def copy_until(self, time: float) -> None:
        """Write all packets that are due up to `time`, in seconds of the output."""
        self._next = self._next or self._next_packet()
        while self._next is not None and self._next[0] <= time:
            self._write(self._next[1])
            self._next = self._next_packet()

    def _write(self, packet: "Packet[Any]") -> None:
        stream = packet.stream
        try:
            self._tracks[stream.index].write(packet)
        except av.error.FFmpegError as error:
            if is_system_error(error):
                raise
            raise MediaError(
                f"{self._container.muxer} files cannot hold stream {stream.index} ({codec_name(stream)}) of "
                f"{self._source.location}: {error.strerror or error}."
            ) from error

    def finish(self) -> None:
        """Write the rest."""
        self.copy_until(math.inf)
        for track in self._tracks.values():
            track.finish()
        if self._damage:
            self._notices.append("Parts of the sound and of the other streams are damaged, and left out.")

    def describe_missing(self, written: Path) -> list[str]:
        """Sentences about streams, metadata and chapters of the source that the finished file lacks.

        Muxers drop keys that they do not know, and tracks whose packets they do not understand, without an
        error: only reading the file back shows it.
        """
        notices = []
        with open_container(written) as result:
            # Muxers turn a time code into a track.
            has_code = any("timecode" in stream.metadata for stream in result.streams)
            kept = result.metadata | ({"timecode": ""} if has_code else {})
            missing = missing_keys(self._input.metadata, kept)
            for index, track in self._tracks.items():
                stream = self._input.streams[index]
                if track.index < len(result.streams):
                    missing += missing_keys(stream.metadata, result.streams[track.index].metadata)
                else:
                    notices.append(
                        f"The output lacks stream {index} ({codec_name(stream)}): {written.suffix} files "
                        "cannot hold it, or its data are missing or damaged."
                    )
            lacks_chapters = self._chapters and not result.chapters()
        what = [f"the metadata {', '.join(dict.fromkeys(missing))}"] if missing else []
        what += ["the chapters"] if lacks_chapters else []
        return notices + ([f"{written.suffix} files cannot hold {' and '.join(what)}."] if what else [])

    def close(self) -> None:
        """Close the file."""
        self._input.close()

    def _open_input(self) -> InputContainer:
        return open_container(self._source.location)

    def _read_packets(self) -> Iterator["Packet[Any]"]:
        """The packets of the tracks, from about the start of the range."""
        streams = [stream for stream in self._input.streams if stream.index in self._tracks]
        if not streams:
            return iter(())
        if self._source.start:  # a little earlier, as some formats seek past what they should
            self._input.seek(int(max(0.0, self._source.shift - 2) * av.time_base))
        return demux_past_damage(self._input, streams, self._damage)

    def _next_packet(self) -> tuple[float, "Packet[Any]"] | None:
        """The next packet of the range, with the second at which it is due; None if there is none."""
        for packet in self._packets:
            timed = self._to_output_time(packet)
            if timed is not None:
                return timed
        return None

    def _read_cover(self, index: int) -> bytes | None:
        """The data of a cover."""
        with open_container(self._source.location) as container:
            return bytes(next(container.demux(container.streams[index])))

    def _copy_descriptions(self) -> None:
        self._output.metadata.update(portable_metadata(self._input.metadata))
        flag = self._container.free_keys_flag
        if flag and any(key.startswith(_PHONE_KEYS) for key in self._output.metadata):
            self._output.container_options["movflags"] += f"+{flag}"
        copy_description(self._output.streams.video[0], self._input.streams[self._source.picture])
        shifted = map(self._shift_chapter, self._input.chapters())
        self._chapters = [chapter for chapter in shifted if chapter is not None]
        if self._chapters:
            self._output.set_chapters(self._chapters)

    def _shift_chapter(self, chapter: "Chapter") -> "Chapter | None":
        """The chapter on the output's clock, cut to the range; None if it is outside."""
        base = Fraction(chapter["time_base"] or Fraction(1, av.time_base))
        start, end = (chapter[side] - round(self._source.shift / base) for side in ("start", "end"))
        last = end if math.isinf(self._length) else round(self._length / base)
        start, end = max(0, start), min(end, last)
        metadata = {
            decode_metadata(key): decode_metadata(value) for key, value in chapter["metadata"].items()
        }
        return {**chapter, "start": start, "end": end, "metadata": metadata} if start < end else None

    def _to_output_time(self, packet: "Packet[Any]") -> tuple[float, "Packet[Any]"] | None:
        """Convert the times of a packet to the output's clock; return it and its due second, None if out of
        range.
        """
        if not packet.size or self._is_cut(packet):  # the end of a stream has no bytes
            return None
        if is_cover(packet.stream):
            packet.pts = packet.dts = 0
            return 0.0, packet
        if (packet.duration or 0) * packet.time_base > _LONGEST:
            packet.duration = 0
        is_subtitle = packet.stream.type == "subtitle"
        cuts_early_sound = self._tracks[packet.stream_index].cuts_early_sound
        is_free = cuts_early_sound or (self._container.negative_times and not is_subtitle)
        earliest = -(1 << 62) if is_free else 0
        offset = round(self._source.shift / packet.time_base)
        dts = (packet.pts or 0) - offset if packet.dts is None else packet.dts - offset
        time = float(dts * packet.time_base)
        duration = float((packet.duration or 0) * packet.time_base)
        # Without times, a packet that is mostly early would delay all that follow.
        is_counted = self._container.starts_at_zero and not cuts_early_sound
        end = time + (duration / 2 if is_counted else duration)
        begins = self._begins if packet.stream.type == "audio" or self._source.start else -math.inf
        if end <= begins or time >= self._length:
            return None
        if is_subtitle and dts < 0:  # it ends when it did
            packet.duration = max(0, (packet.duration or 0) + dts)
        packet.dts = max(dts, earliest)
        packet.pts = None if packet.pts is None else max(packet.pts - offset, earliest)
        return time, packet

    def _is_cut(self, packet: "Packet[Any]") -> bool:
        """Whether an edit list cuts sound that follows some that is heard; before that, decoders need it."""
        if packet.stream.type != "audio":
            return False
        if not packet.is_discard:
            self._heard.add(packet.stream_index)
        return packet.is_discard and packet.stream_index in self._heard


def _sound_begin(source: OtherStreams, container: Container) -> float:
    """The second up to which the sound before time zero is left out: it is priming, or cut by an edit list.

    Where packets have no times below zero, only the one that reaches up to zero is kept, which decoders need
    for the next. Where they have no times at all, as in AVI, it is left out if it is mostly before zero.
    """
    if source.start:
        return 0.0
    return -math.inf if container.negative_times else -_ROUNDED


class StreamedPassthrough(Passthrough):
    """As Passthrough, for a source that is read only once: its reader hands over the packets."""

    def _open_input(self) -> InputContainer:
        assert self._source.container is not None
        return self._source.container

    def _read_packets(self) -> Iterator["Packet[Any]"]:
        packets = self._source.packets
        while packets:
            packet = packets.popleft()
            if packet.stream_index in self._tracks:
                yield packet

    def _next_packet(self) -> tuple[float, "Packet[Any]"] | None:
        self._packets = self._read_packets()  # more may have arrived
        return super()._next_packet()

    def _read_cover(self, index: int) -> bytes | None:  # noqa: ARG002
        """None: the cover cannot be read ahead of the frames."""
        return None

    def close(self) -> None:
        """Leave the container open: it belongs to the source."""


class NoPassthrough:
    """Replaces Passthrough for a video that has only its picture."""

    def copy_until(self, time: float) -> None:
        """There is nothing to write."""

    def finish(self) -> None:
        """There is nothing to write."""

    def describe_missing(self, written: Path) -> list[str]:  # noqa: ARG002
        """There was nothing to lose."""
        return []

    def close(self) -> None:
        """There is nothing to release."""


def open_passthrough(
    source: OtherStreams | None, output: OutputContainer, *, audio: bool, notices: list[str]
) -> Passthrough | NoPassthrough:
    """Prepare to copy the other streams, after the picture's was added, and before the header is written."""
    if source is None:
        return NoPassthrough()
    kind = Passthrough if source.container is None else StreamedPassthrough
    return kind(source, output, audio, notices)
