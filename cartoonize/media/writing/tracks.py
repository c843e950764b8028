"""Tracks: each writes one stream of a source to the output, copied packet by packet, or re-encoded."""

import math
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from ...core.containers import Container
from ...core.messages import count_noun
from ..damage import Damage
from ..streams import JUMP, codec_name
from .acceptance import choose_audio_format
from .audio_encoder import AudioEncoder
from .audio_frames import layout_name, speaker_layout
from .metadata import copy_description

TEXT_SUBTITLES = frozenset({"subrip", "srt", "mov_text", "webvtt", "ass", "ssa", "text"})
"""The codecs of subtitles, by FFmpeg's names, that can be converted to one another."""
_MILLISECOND = Fraction(1, 1000)
_MAY_REPEAT = 0x20000  # FFmpeg's AVFMT_TS_NONSTRICT: packets may have the time of the one before
_MOST_SHOWN = 32  # subtitles at once; each is written again whenever another one begins or ends
_ASS_FIELDS = 8  # of an event before its text: order, layer, style, name, three margins, effect


class Track(ABC):
    """A stream of the source; `index` is its number in the output.

    If it `cuts_early_sound`, it takes packets before time zero, and cuts what the container cannot hold.
    """

    index: int
    cuts_early_sound = False

    @abstractmethod
    def write(self, packet: "Packet[Any]") -> None:
        """Write a packet of the source, whose times are those of the output."""

    def finish(self) -> None:
        """Write what was held back."""


def add_copy(output: OutputContainer, stream: Stream) -> Stream:
    """Add a stream for the packets of another one, as they are.

    Channels without a layout, as those of PCM in AVI, get the default one: MP4 has to state it.
    """
    target = output.add_stream_from_template(stream, opaque=True)
    if isinstance(target, AudioStream):
        layout = target.codec_context.layout
        name = layout_name(layout)
        if name not in ("", layout.name):
            target.codec_context.layout = name
    return target


class CopiedTrack(Track):
    """Copies packet by packet.

    Raises:
        ValueError, FFmpegError: the container cannot hold such a stream.
    """

    def __init__(
        self, output: OutputContainer, stream: Stream, container: Container, notices: list[str]
    ) -> None:
        self._output, self._container, self._notices = output, container, notices
        self._source_index = stream.index
        self._first_dts: int | None = None
        self._last_dts: int | None = None
        self._offset = self._last_duration = 0
        self._notice_given = False
        self._can_repeat = bool(output.format.flags & _MAY_REPEAT)
        self._is_subtitle = stream.type == "subtitle"
        # MP4 has an empty subtitle behind each, which the muxer writes itself.
        self._has_empty_subtitles = codec_name(stream) == "mov_text"
        self._target = add_copy(output, stream)
        self.index = self._target.index
        copy_description(self._target, stream)

    def write(self, packet: "Packet[Any]") -> None:
        """Copy the packet."""
        if self._has_empty_subtitles and bytes(packet)[:2] == b"\0\0":
            return
        if packet.dts is not None:
            self._make_times_rise(packet)
        packet.stream = self._target
        self._output.mux(packet)

    def _make_times_rise(self, packet: "Packet[Any]") -> None:
        """Correct a time that is not after the last one.

        In joined recordings clocks start again, and copies can repeat packets. Several packets may be at
        zero, where those before time zero are put. If the muxer allows it, several subtitles may begin
        together, and several packets of sound may be shorter than a tick, as those of TrueHD are.
        """
        assert packet.dts is not None
        dts = packet.dts + self._offset
        may_repeat = dts == 0 and not self._container.negative_times
        may_repeat |= self._can_repeat and (self._is_subtitle or (packet.duration or 0) <= 1)
        if self._last_dts is not None and dts < self._last_dts + (not may_repeat):
            # The muxer's ticks may be longer, as those of Matroska are.
            step = max(1, math.ceil(Fraction(self._target.time_base or 0) / packet.time_base))
            # A larger jump means another clock, which all later packets have.
            is_jump = (self._last_dts - dts) * packet.time_base > JUMP
            if is_jump:
                step = max(step, self._last_duration)
                self._offset += self._last_dts + step - dts
            # Programs that cannot write times before zero put the packets from there at the first time.
            if is_jump or dts != self._first_dts:
                self._report_correction()
            dts = self._last_dts + step
        shift = dts - packet.dts
        packet.dts = self._last_dts = dts
        self._first_dts = dts if self._first_dts is None else self._first_dts
        packet.pts = None if packet.pts is None else max(packet.pts + shift, dts)
        self._last_duration = packet.duration or 0

    def _report_correction(self) -> None:
        if not self._notice_given:
            self._notices.append(
                f"The times of stream {self._source_index} jump or repeat; they were corrected."
            )
        self._notice_given = True


class ReencodedAudio(Track):
    """Decodes and encodes sound again, at the rate and layout nearest to the source's that fit.

    `is_changed` tells whether they differ from the source's.

    Raises:
        ValueError: none fits.
    """

    cuts_early_sound = True

    def __init__(
        self, output: OutputContainer, stream: AudioStream, container: Container, notices: list[str]
    ) -> None:
        self._output, self._notices, self._damage = output, notices, Damage()
        context = stream.codec_context
        layout = speaker_layout(context.layout)
        chosen = choose_audio_format(container, context.sample_rate, layout, context.layout.nb_channels)
        if chosen is None:
            raise ValueError(f"{container.muxer} takes no such sound")
        self.rate, self.layout = chosen
        encoder = container.audio_encoder
        target = cast("AudioStream", output.add_stream(encoder, rate=self.rate, layout=self.layout))
        self.index, self._source_index = target.index, stream.index
        is_reduced = context.layout.nb_channels > av.AudioLayout(self.layout).nb_channels
        is_other = is_reduced or self.layout != layout.partition("(")[0]
        self.is_changed = is_other or self.rate != context.sample_rate
        self._encoder = AudioEncoder(target, self._damage, container)
        copy_description(target, stream)

    def write(self, packet: "Packet[Any]") -> None:
        """Decode the packet, and write what the encoder makes of it."""
        for encoded in self._encoder.write(packet):
            self._output.mux(encoded)

    def finish(self) -> None:
        """Write what the encoder holds back."""
        for encoded in self._encoder.end():
            self._output.mux(encoded)
        if self._damage.packets:
            packets = count_noun(self._damage.packets, "damaged packet")
            what = "and became silence" if self._encoder.has_sound else "so that its sound is missing"
            self._notices.append(
                f"{packets} of sound (stream {self._source_index}) could not be decoded, {what}."
            )


class ConvertedSubtitles(Track):
    """Converts text subtitles to another codec; simple styles, such as italics, are kept.

    MP4 shows one subtitle at a time. There, those that overlap are shown together, below each other.

    Raises:
        ValueError, FFmpegError: the container cannot hold them, or their description is damaged.
    """

    def __init__(
        self, output: OutputContainer, stream: SubtitleStream, encoder: str, notices: list[str]
    ) -> None:
        self._output, self._notices, self._source_index = output, notices, stream.index
        self._decoder = stream.codec_context
        self._decoder.open(strict=False)  # sets the header
        self._target = cast("SubtitleStream", output.add_stream(encoder))
        self._target.time_base = self._target.codec_context.time_base = _MILLISECOND
        self._target.codec_context.subtitle_header = self._decoder.subtitle_header
        self.index = self._target.index
        self._is_exclusive = encoder == "mov_text"
        self._time = 0  # milliseconds up to which subtitles are written
        self._shown: list[tuple[int, bytes]] = []  # end and text of those that are shown then
        self._damaged = 0
        copy_description(self._target, stream)

    def write(self, packet: "Packet[Any]") -> None:
        """Convert one subtitle; some codecs have empty ones, which end the one before."""
        start = round((packet.pts or 0) * packet.time_base / _MILLISECOND)
        duration = round((packet.duration or 0) * packet.time_base / _MILLISECOND)
        try:
            decoded = self._decoder.decode2(packet)
        except av.error.FFmpegError:  # whatever the decoder reports, the data are damaged
            self._damaged += 1
            return
        events = [event.ass for event in decoded or () if isinstance(event, AssSubtitle)]
        if not events:
            return
        text = b"\\N".join(event.split(b",", _ASS_FIELDS)[-1] for event in events)
        self._write_until(start)
        if self._is_exclusive and duration:
            self._shown = [*self._shown[1 - _MOST_SHOWN :], (start + duration, text)]
        else:
            self._encode(text, self._time, max(0, start + duration - self._time))

    def _write_until(self, time: float) -> None:
        """Write what is shown up to a millisecond, again whenever one of several subtitles ends."""
        while self._shown and self._time < time:
            until = int(min(time, *(end for end, _ in self._shown)))
            if until > self._time:
                self._encode(b"\\N".join(text for _, text in self._shown), self._time, until - self._time)
                self._time = until
            self._shown = [(end, text) for end, text in self._shown if end > until]
        self._time = self._time if math.isinf(time) else max(self._time, int(time))

    def _encode(self, text: bytes, start: int, duration: int) -> None:
        subtitle = SubtitleSet.create(b"0,0,Default,,0,0,0,," + text, start=0, end=duration, pts=start)
        try:
            converted = self._target.codec_context.encode_subtitle(subtitle)
        except av.error.FFmpegError:  # the text is damaged
            self._damaged += 1
            return
        converted.time_base, converted.stream = _MILLISECOND, self._target
        self._output.mux(converted)

    def finish(self) -> None:
        """Write the rest, and report what was damaged."""
        self._write_until(math.inf)
        if self._damaged:
            self._notices.append(
                f"{self._damaged} damaged subtitles of stream {self._source_index} were left out."
            )
