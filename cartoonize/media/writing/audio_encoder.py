"""Re-encoding sound that the output cannot hold: decoded, brought to one format, and encoded."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from ...core.containers import Container
from ..damage import Damage
from .audio_frames import create_silence, cut_start, to_speakers

MIN_GAP = 0.1
"""Seconds without sound that are a pause; shorter gaps come from how packets are timed."""


def _measure_priming(encoder: av.AudioCodecContext) -> int:
    """The samples by which the first packet of an encoder begins before the first sample that goes in."""
    name, layout, form = encoder.name, encoder.layout.name, encoder.format.name
    context = cast("av.AudioCodecContext", av.CodecContext.create(name, "w"))
    context.sample_rate, context.layout, context.format = encoder.sample_rate, layout, form
    context.time_base = Fraction(1, encoder.sample_rate)
    context.open()
    silence = create_silence(form, layout, encoder.sample_rate, context.frame_size or 1)
    silence.pts, silence.time_base = 0, context.time_base
    packets = [*context.encode(silence), *context.encode(None)]
    return -min((packet.pts or 0 for packet in packets), default=0)


class AudioEncoder:
    """Decodes packets of a source and encodes them for `target`, on the clock of the source.

    Sound that changes its rate or layout is converted to those of `target`. Gaps become silence;
    sound that overlaps is put after what came before. If `container` needs sound from zero on, silence fills
    the time before sound that starts late. If it has no times below zero, sound before zero is cut, and so
    much that the priming of the encoder does not reach below zero: the rest would come late.
    """

    def __init__(self, target: AudioStream, damage: Damage, container: Container) -> None:
        self._target, self._damage = target, damage
        context = target.codec_context
        self._rate, self._layout, self._format = context.sample_rate, context.layout.name, context.format.name
        self._first_sample = 0 if container.priming else _measure_priming(context)
        self._is_cut = not container.negative_times
        self._resampler: av.AudioResampler | None = None
        self._input_format: tuple[str, str, int] | None = None  # sample format, layout and rate
        self._next_sample: int | None = 0 if container.starts_at_zero else None
        self._min_gap = 0.0 if container.starts_at_zero else MIN_GAP

    @property
    def has_sound(self) -> bool:
        """Whether anything was decoded so far."""
        return self._input_format is not None

    def write(self, packet: "Packet[Any]") -> Iterator["Packet[Any]"]:
        """Take a packet, whose times are those of the output, and yield the packets that are ready."""
        try:
            frames = packet.decode()
        except av.error.FFmpegError:  # whatever the decoder reports, the data are damaged
            self._damage.packets += 1
            self._min_gap = 0.0  # the next packet that can be decoded follows a gap
            return
        for frame in frames:
            assert isinstance(frame, AudioFrame)
            start = None if frame.pts is None else round(frame.pts * frame.time_base * self._rate)
            for resampled in self._resample(to_speakers(frame)):
                yield from self._encode_at(resampled, start)
                start = None

    def end(self) -> Iterator["Packet[Any]"]:
        """Yield what resampler and encoder hold back."""
        for frame in self._resampler.resample(None) if self._resampler else ():
            yield from self._encode_at(frame, None)
        yield from self._target.encode(None)

    def _resample(self, frame: AudioFrame) -> list[AudioFrame]:
        input_format = frame.format.name, frame.layout.name, frame.sample_rate
        held_back: list[AudioFrame] = []
        if input_format != self._input_format:
            held_back = self._resampler.resample(None) if self._resampler else []
            self._resampler = av.AudioResampler(self._format, self._layout, self._rate)
            self._input_format = input_format
        assert self._resampler is not None
        frame.pts = None
        return held_back + self._resampler.resample(frame)

    def _encode_at(self, frame: AudioFrame, start: int | None) -> Iterator["Packet[Any]"]:
        """Encode a frame at a sample, after silence if there is a gap; None means after the last frame."""
        if self._next_sample is None:
            self._next_sample = start or 0
        gap = 0 if start is None else start - self._next_sample
        while gap > self._min_gap * self._rate:
            length = min(gap, self._rate)
            yield from self._encode(create_silence(self._format, self._layout, self._rate, length))
            gap -= length
        self._min_gap = MIN_GAP
        yield from self._encode(frame)

    def _encode(self, frame: AudioFrame) -> Iterator["Packet[Any]"]:
        assert self._next_sample is not None
        begin = self._next_sample
        self._next_sample += frame.samples
        excess = self._first_sample - begin if self._is_cut else 0
        if excess < frame.samples:
            kept = cut_start(frame, excess) if excess > 0 else frame
            kept.pts, kept.time_base = begin + max(excess, 0), Fraction(1, self._rate)
            yield from self._target.encode(kept)
