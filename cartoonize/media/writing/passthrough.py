"""What a video holds beside its picture: sound, subtitles, attachments, chapters, metadata.

They are read from the source by a handle of their own: decoding a container from one thread while reading
it from another crashes in some builds of FFmpeg. Packets are copied as they are; sound that the target
cannot hold is re-encoded; what is left is named in a notice.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Stream

from ..damage import Damage, readable
from ..remote import legible, open_container
from ..streams import JUMP, codec_name, is_cover, is_known
from ..video_info import OtherStreams
from .audio import Reencoder, accepted, named_layout, settings

if TYPE_CHECKING:
    from av.container.core import Chapter

# Written by muxers for themselves; copying them would state what is no longer so.
_TECHNICAL = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration", "alpha_mode",
              "bps", "number_of_", "_statistics_")  # fmt: skip
_UNTOLD = {"handler_name", "vendor_id"}  # muxers write their own; nobody misses the old one
# Others have no way to say that a packet comes before time zero, as the priming of AAC does; to let their
# muxers shift all streams instead would move every frame.
_NEGATIVE_TIMES = ("mp4", "mov")
# MPEG-TS takes anything as private data, which no player can read.
_AUDIO = {"mpegts": {"aac", "mp2", "mp3", "ac3", "eac3", "opus", "dca"}, "flv": {"aac", "mp3"}}
"""What is copied to containers that take more than players can; FFmpeg's FLV muxer even aborts over some."""
_LATE = 0.1  # seconds
_COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
_AUDIO_ENCODERS = {"webm": "libopus", "avi": "libmp3lame"}


class Passthrough:
    """Copies all streams but the picture from the file of `origin` to `output`, in step with the frames.

    Has to be made after the picture's stream was added and before the header is written. `notices` is
    appended to.
    """

    def __init__(
        self, origin: OtherStreams, output: OutputContainer, audio: bool, notices: list[str]
    ) -> None:
        self._output, self._notices = output, notices
        self._origin, self._shift = origin, origin.shift
        self._begins = 0.0 if origin.start else -math.inf  # sound before time zero is priming
        self._length = math.inf if origin.end is None else origin.end - (origin.start or 0.0)
        self._next: tuple[float, Packet[Any]] | None = None
        self._damage = Damage()
        self._input = self._open()
        with ExitStack() as on_error:
            on_error.callback(self.close)
            self._tracks = self._add_tracks(audio)
            self._copy_descriptions()
            self._packets = self._seek_start()
            on_error.pop_all()

    def copy_until(self, time: float) -> None:
        """Write all packets that are due up to `time`, in seconds of the output."""
        self._next = self._next or self._following()
        while self._next is not None and self._next[0] <= time:
            _, packet = self._next
            self._tracks[packet.stream_index].write(packet)
            self._next = self._following()

    def finish(self) -> None:
        """Write the rest."""
        self.copy_until(math.inf)
        for track in self._tracks.values():
            track.finish()
        if self._damage:
            self._notices.append("Parts of the sound and of the other streams are damaged, and left out.")

    def missing_metadata(self, written: Path) -> list[str]:
        """What the finished file does not hold of the source's metadata, as sentences.

        Containers drop keys that they do not know without a word: only reading the file back tells.
        """
        with open_container(written) as result:
            missing = _missing(self._input.metadata, result.metadata)
            for index, track in self._tracks.items():
                held = result.streams[track.index].metadata if track.index < len(result.streams) else {}
                missing += _missing(self._input.streams[index].metadata, held)
            chapters = self._chapters and not result.chapters()
        what = [f"the metadata {', '.join(dict.fromkeys(missing))}"] if missing else []
        what += ["the chapters"] if chapters else []
        return [f"A {written.suffix} file cannot hold {' and '.join(what)}."] if what else []

    def close(self) -> None:
        """Release the file."""
        self._input.close()

    def _open(self) -> InputContainer:
        return open_container(self._origin.location)

    def _seek_start(self) -> Iterator["Packet[Any]"]:
        """The packets of the tracks, from about the start of the part that is taken."""
        if self._origin.start:  # a little earlier, as some formats seek past what they should
            self._input.seek(int(max(0.0, self._shift - 2) * av.time_base))
        wanted = [stream for stream in self._input.streams if stream.index in self._tracks]
        return readable(self._input, wanted, self._damage) if wanted else iter(())

    def _following(self) -> tuple[float, "Packet[Any]"] | None:
        """The next packet of the part, with the second at which it is due; None if there is none."""
        for packet in self._packets:
            timed = self._timed(packet)
            if timed is not None:
                return timed
        return None

    def _add_tracks(self, audio: bool) -> dict[int, "_Track"]:
        tracks: dict[int, _Track] = {}
        for stream in self._input.streams:
            if stream.index == self._origin.picture or (stream.type == "audio" and not audio):
                continue
            track = self._track(stream)
            if track is None and not self._written_anew(stream):
                self._notices.append(self._left_out(stream))
            elif track is not None and track is not _WRITTEN:
                tracks[stream.index] = track
        return tracks

    def _written_anew(self, stream: Stream) -> bool:
        """Whether muxers make this track themselves, from a time code or from chapters."""
        return "timecode" in stream.metadata or bool(stream.type == "data" and self._input.chapters())

    def _track(self, stream: Stream) -> "_Track | None":
        if isinstance(stream, AttachmentStream):
            return self._attach(stream)
        if not is_known(stream):
            return None
        if is_cover(stream):
            return self._cover(stream)
        try:
            if isinstance(stream, AudioStream) and not self._can_copy(stream):
                return self._reencode(stream)
            return (
                _Copy(self._output, stream, self._notices) if stream.type in ("audio", "subtitle") else None
            )
        except (ValueError, av.error.FFmpegError):
            return self._reencode(stream) if isinstance(stream, AudioStream) else None

    def _can_copy(self, stream: AudioStream) -> bool:
        name = self._output.format.name
        if codec_name(stream) not in _AUDIO.get(name, {codec_name(stream)}):
            return False
        start = float((stream.start_time or 0) * (stream.time_base or 0)) - self._shift
        if name == "avi" and start > _LATE:  # whose sound begins with the picture
            return False
        return accepted(name, lambda trial: trial.add_stream_from_template(stream, opaque=True))

    def _reencode(self, stream: AudioStream) -> "_Track | None":
        name = _AUDIO_ENCODERS.get(self._output.format.name, "aac")
        try:
            track = _Reencode(self._output, stream, name, self._notices)
        except (ValueError, av.error.FFmpegError):
            return None
        changed = f" ({track.layout}, {track.rate} Hz)" if track.changed else ""
        self._notices.append(
            f"A {self._output.format.name} file cannot hold {codec_name(stream)} sound; "
            f"stream {stream.index} was re-encoded as {name}{changed}."
        )
        return track

    def _cover(self, stream: Stream) -> "_Track | None":
        if "matroska" not in self._output.format.name:
            try:
                return _Copy(self._output, stream, self._notices)
            except (ValueError, av.error.FFmpegError):
                return None
        cover = _COVERS.get(codec_name(stream))
        if cover is None:
            return None
        with open_container(self._origin.location) as covered:
            packet = next(covered.demux(covered.streams[stream.index]))
        self._output.add_attachment(*cover, bytes(packet))
        return _WRITTEN

    def _attach(self, stream: AttachmentStream) -> "_Track | None":
        if "matroska" not in self._output.format.name:
            return None
        meta = stream.metadata
        self._output.add_attachment(
            meta.get("filename", f"attachment-{stream.index}"),
            meta.get("mimetype", "application/octet-stream"),
            stream.data,
        )
        return _WRITTEN

    def _left_out(self, stream: Stream) -> str:
        codec = codec_name(stream) or stream.metadata.get("handler_name", "")
        named = f" ({codec})" if codec else ""
        if stream.type == "video":
            index = stream.index
            return f"Only one video stream is drawn; {index}{named} was left out (--stream {index} draws it)."
        return f"The {stream.type} stream {stream.index}{named} was left out: the output cannot hold it."

    def _copy_descriptions(self) -> None:
        self._output.metadata.update(_portable(self._input.metadata))
        video = self._output.streams.video[0]
        _describe(video, self._input.streams[self._origin.picture])
        self._chapters = [kept for chapter in self._input.chapters() if (kept := self._shifted(chapter))]
        if self._chapters:
            self._output.set_chapters(self._chapters)

    def _shifted(self, chapter: "Chapter") -> "Chapter | None":
        """The chapter on the output's clock, as far as it is in the part that is taken."""
        base = chapter["time_base"] or Fraction(1, av.time_base)
        ticks = [chapter[end] - round(self._shift / base) for end in ("start", "end")]
        last = ticks[1] if math.isinf(self._length) else round(self._length / base)
        start, end = max(0, ticks[0]), min(ticks[1], last)
        kept = {legible(key): legible(value) for key, value in chapter["metadata"].items()}
        return {**chapter, "start": start, "end": end, "metadata": kept} if start < end else None

    def _timed(self, packet: "Packet[Any]") -> tuple[float, "Packet[Any]"] | None:
        """A packet on the output's clock, and when it is due, in seconds; None if it is not of the part."""
        if not packet.size:  # the end of a stream
            return None
        if is_cover(packet.stream):
            packet.pts = packet.dts = 0
            return 0.0, packet
        earliest = -(1 << 62) if self._output.format.name in _NEGATIVE_TIMES else 0
        offset = round(self._shift / packet.time_base)
        dts = (packet.pts or 0) - offset if packet.dts is None else packet.dts - offset
        time = float(dts * packet.time_base)
        ends = time + float((packet.duration or 0) * packet.time_base)
        if ends <= self._begins or time >= self._length:
            return None
        packet.dts = max(dts, earliest)
        packet.pts = None if packet.pts is None else max(packet.pts - offset, earliest)
        return time, packet


class StreamedPassthrough(Passthrough):
    """As Passthrough, of a source that can be read only once: it hands over what it meets between frames."""

    def _open(self) -> InputContainer:
        assert self._origin.container is not None
        return self._origin.container

    def _seek_start(self) -> Iterator["Packet[Any]"]:
        return self._handed_over()

    def _following(self) -> tuple[float, "Packet[Any]"] | None:
        self._packets = self._handed_over()  # there may be more now
        return super()._following()

    def _handed_over(self) -> Iterator["Packet[Any]"]:
        packets = self._origin.packets
        while packets:
            packet = packets.popleft()
            if packet.stream_index in self._tracks:
                yield packet

    def _cover(self, stream: Stream) -> "_Track | None":
        return None if "matroska" in self._output.format.name else super()._cover(stream)

    def close(self) -> None:
        """Leave the container to the source, whose it is."""


class NoPassthrough:
    """For a video that is a picture and nothing else."""

    def copy_until(self, time: float) -> None:
        """There is nothing to write."""

    def finish(self) -> None:
        """There is nothing to write."""

    def missing_metadata(self, written: Path) -> list[str]:  # noqa: ARG002
        """There was nothing to lose."""
        return []

    def close(self) -> None:
        """There is nothing to release."""


def open_passthrough(
    origin: OtherStreams | None, output: OutputContainer, *, audio: bool, notices: list[str]
) -> Passthrough | NoPassthrough:
    """Prepare to copy the other streams, when the picture's stream was added and no header is written."""
    if origin is None:
        return NoPassthrough()
    kind = Passthrough if origin.container is None else StreamedPassthrough
    return kind(origin, output, audio, notices)


class _Track:
    """A stream of the source on its way into the output, where it has the number `index`."""

    index: int

    def write(self, packet: "Packet[Any]") -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Nothing is kept back, unless a subclass says so."""


class _Written(_Track):
    """A stream that was written as a whole with the header."""


_WRITTEN = _Written()


class _Copy(_Track):
    """Packet for packet."""

    def __init__(self, output: OutputContainer, stream: Stream, notices: list[str]) -> None:
        self._output, self._notices, self._number = output, notices, stream.index
        self._last: int | None = None
        self._offset = self._duration = 0
        self._mended = False
        self._target = output.add_stream_from_template(stream, opaque=True)
        self.index = self._target.index
        _describe(self._target, stream)

    def write(self, packet: "Packet[Any]") -> None:
        if packet.dts is not None:
            self._follow(packet)
        packet.stream = self._target
        self._output.mux(packet)

    def _follow(self, packet: "Packet[Any]") -> None:
        """Have times rise: joined recordings begin their clocks again, and copies can repeat packets.

        Several may be at zero, where those are put that come before it.
        """
        assert packet.dts is not None
        dts = packet.dts + self._offset
        at_zero = dts == 0 and self._output.format.name not in _NEGATIVE_TIMES
        if self._last is not None and (dts < self._last or (dts == self._last and not at_zero)):
            # The muxer's ticks may be longer, as those of Matroska are.
            step = max(1, math.ceil((self._target.time_base or 0) / packet.time_base))
            if (self._last - dts) * packet.time_base > JUMP:  # another clock, which all that follows has
                step = max(step, self._duration)
                self._offset += self._last + step - dts
            dts = self._last + step
            if not self._mended:
                self._mended = True
                self._notices.append(f"The times of stream {self._number} jump or repeat; they were mended.")
        shift = dts - packet.dts
        packet.dts = self._last = dts
        packet.pts = None if packet.pts is None else max(packet.pts + shift, dts)
        self._duration = packet.duration or 0


class _Reencode(_Track):
    """Decoded and encoded again, at the rate and layout nearest to the source's that fit.

    Raises:
        ValueError: none fits.
    """

    def __init__(
        self, output: OutputContainer, stream: AudioStream, encoder: str, notices: list[str]
    ) -> None:
        self._output, self._notices, self._damage = output, notices, Damage()
        context, name = stream.codec_context, output.format.name
        layout = named_layout(context.layout)
        chosen = settings(name, encoder, context.sample_rate, layout, context.layout.nb_channels)
        if chosen is None:
            raise ValueError(f"{name} takes no such sound")
        self.rate, self.layout = chosen
        target = cast("AudioStream", output.add_stream(encoder, rate=self.rate, layout=self.layout))
        self.index, self._number = target.index, stream.index
        self.changed = self.rate != context.sample_rate or self.layout != layout.partition("(")[0]
        self._reencoder = Reencoder(target, self._damage, from_zero=name == "avi")
        _describe(target, stream)

    def write(self, packet: "Packet[Any]") -> None:
        for encoded in self._reencoder.write(packet):
            self._output.mux(encoded)

    def finish(self) -> None:
        for encoded in self._reencoder.end():
            self._output.mux(encoded)
        if self._damage.packets:
            count = self._damage.packets
            what = f"{count} damaged packet{'s' * (count != 1)} of sound"
            self._notices.append(
                f"{what} (stream {self._number}) could not be decoded; silence stands there."
            )


def _describe(target: Stream, source: Stream) -> None:
    target.metadata.update(_portable(source.metadata))
    if "name" in source.metadata:  # MP4's own key, which its muxer reads only as a title
        target.metadata.setdefault("title", source.metadata["name"])
    target.disposition = source.disposition


def _portable(metadata: dict[str, str]) -> dict[str, str]:
    readable_ones = {legible(key): legible(value) for key, value in metadata.items()}
    return {key: value for key, value in readable_ones.items() if not key.lower().startswith(_TECHNICAL)}


def _missing(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Keys whose value is nowhere in the metadata that were read back; containers rename some."""
    kept = {held.lower() for held in after} | {value.lower() for value in after.values()}
    told = {key: value for key, value in _portable(before).items() if key not in _UNTOLD and value != "und"}
    return [key for key, value in told.items() if key.lower() not in kept and value.lower() not in kept]
