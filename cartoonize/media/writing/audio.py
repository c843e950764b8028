"""Re-encoding sound that the output cannot hold: decoded, brought to one format, and encoded."""

import io
import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from ...core.containers import Container
from ..damage import Damage

_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_RATES = frozenset({96000, 48000, 44100, 22050})  # that encoders and containers take
_USUAL_RATE = 48000
_MEASURED_IN_BYTES = ("pcm_", "wma")
_FRAME_SIZES = frozenset({384, 512, 576, 1024, 1152, 1536, 2048})
"""Samples in a frame of the codecs that AVI files hold."""
_BLOCK_SIZE = 44  # where the header of a stream in an AVI file states the size of a block
_DESCRIBED_BY_PACKETS = frozenset({"ac3", "eac3"})
_MIN_GAP = 0.1  # seconds without sound that become silence; shorter gaps come from how packets are timed


def is_accepted(container: Container, codec: str, add_stream: Callable[[OutputContainer], Stream]) -> bool:
    """Whether a container takes a stream of a codec, found out by writing a header with it to memory.

    Muxers refuse a stream only then. Those of MP4 and MOV describe streams behind the last packet, unless the
    file has fragments; of codecs that are described by their packets, fragments would need a packet.
    """
    options = {} if codec in _DESCRIBED_BY_PACKETS else {"movflags": "empty_moov"}
    try:
        written = io.BytesIO()
        with av.open(written, "w", format=container.muxer, container_options=options) as trial:
            stream = add_stream(trial)
            trial.start_encoding()
            return not container.header_times or _is_timed(stream, codec, written.getvalue())
    except (ValueError, av.error.FFmpegError):
        return False


def _is_timed(stream: Stream, codec: str, header: bytes) -> bool:
    """Whether the header of an AVI file states the true duration of a packet of sound.

    FFmpeg calculates it from the size of a frame, and does not always know that of a stream that is copied.
    If the header also states the size of a block in bytes, readers count blocks in place of
    packets, except of MP3.
    """
    if not isinstance(stream, AudioStream) or codec.startswith(_MEASURED_IN_BYTES):
        return True
    has_blocks = not codec.startswith("mp3") and any(header[header.index(b"strh") + 8 + _BLOCK_SIZE :][:4])
    return not has_blocks and (stream.time_base or 0) * stream.codec_context.sample_rate in _FRAME_SIZES


def has_gap(packets: "Iterable[Packet[Any]]", begin: float, end: float) -> bool:
    """Whether sound is missing between two packets, from second `begin` to `end` of their clock."""
    last_end = math.inf
    for packet in packets:
        if packet.pts is None or not packet.duration:
            last_end = math.inf
            continue
        time = float(packet.pts * packet.time_base)
        if begin <= last_end < time - _MIN_GAP and time < end:
            return True
        last_end = time + float(packet.duration * packet.time_base)
    return False


def named_layout(layout: av.AudioLayout) -> str:
    """The name of a layout, or the default name for its number of channels if it has none.

    Of ambisonic sound, only the first channel is used: sound from all directions. The others are no speakers.
    """
    try:
        name = av.AudioLayout(layout.name).name
    except ValueError:
        name = ""
    if name.startswith("ambisonic"):
        return "mono"
    return name or _LAYOUTS.get(layout.nb_channels, "stereo")


def choose_audio_format(
    container: Container, rate: int, layout: str, channels: int
) -> tuple[int, str] | None:
    """The rate and the layout nearest to the source's that encoder and container take; None if there is none.

    Args:
        container: the container, whose encoder of sound is used.
        rate: samples a second of the source; 0 if they are unknown, as its sound begins late.
        layout: the source's, by name.
        channels: the number of channels of the source, or 0.
    """
    rate, channels = rate or _USUAL_RATE, channels or 2
    encoder = container.audio_encoder
    # libopus knows the speakers of "5.1(side)", as AC-3 names them, under the shorter name only.
    layouts = [layout.partition("(")[0], _LAYOUTS.get(channels, "stereo"), "5.1", "stereo", "mono"]
    if encoder == "libopus":
        rates = [48000]
    else:
        rates = [rate, *sorted(_RATES - {rate}, key=lambda other: abs(math.log(other / rate)))]
    for name in dict.fromkeys(layouts):
        if av.AudioLayout(name).nb_channels > channels:
            continue
        for candidate in rates:
            add_stream = partial(OutputContainer.add_stream, codec_name=encoder, rate=candidate, layout=name)
            if _can_encode(encoder, candidate, name) and is_accepted(container, encoder, add_stream):
                return candidate, name
    return None


def _can_encode(encoder: str, rate: int, layout: str) -> bool:
    context = cast("av.AudioCodecContext", av.CodecContext.create(encoder, "w"))
    formats = context.codec.audio_formats
    try:
        context.sample_rate, context.layout = rate, layout
        context.format = formats[0] if formats else "s16"
        context.open()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def _measure_priming(encoder: av.AudioCodecContext) -> int:
    """The samples by which the first packet of an encoder begins before the first sample that goes in."""
    name, layout, form = encoder.name, encoder.layout.name, encoder.format.name
    context = cast("av.AudioCodecContext", av.CodecContext.create(name, "w"))
    context.sample_rate, context.layout, context.format = encoder.sample_rate, layout, form
    context.time_base = Fraction(1, encoder.sample_rate)
    context.open()
    silence = _create_silence(form, layout, encoder.sample_rate, context.frame_size or 1)
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
        self._min_gap = _MIN_GAP

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
            for resampled in self._resample(_with_named_layout(frame)):
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
            yield from self._encode(_create_silence(self._format, self._layout, self._rate, length))
            gap -= length
        self._min_gap = _MIN_GAP
        yield from self._encode(frame)

    def _encode(self, frame: AudioFrame) -> Iterator["Packet[Any]"]:
        assert self._next_sample is not None
        begin = self._next_sample
        self._next_sample += frame.samples
        excess = self._first_sample - begin if self._is_cut else 0
        if excess < frame.samples:
            kept = _cut(frame, excess) if excess > 0 else frame
            kept.pts, kept.time_base = begin + max(excess, 0), Fraction(1, self._rate)
            yield from self._target.encode(kept)


def _create_silence(form: str, layout: str, rate: int, samples: int) -> AudioFrame:
    count, width = _plane_shape(av.AudioFormat(form), av.AudioLayout(layout))
    return _create_frame(form, layout, rate, [bytes(samples * width)] * count)


def _cut(frame: AudioFrame, samples: int) -> AudioFrame:
    """The frame without its first samples."""
    _, width = _plane_shape(frame.format, frame.layout)
    rest = [plane[samples * width :] for plane in _plane_data(frame)]
    return _create_frame(frame.format.name, frame.layout.name, frame.sample_rate, rest)


def _with_named_layout(frame: AudioFrame) -> AudioFrame:
    """The frame with a layout that has a name, as resamplers need, and its first channels."""
    name = named_layout(frame.layout)
    if name == frame.layout.name:
        return frame
    channels, planes = av.AudioLayout(name).nb_channels, _plane_data(frame)
    if not frame.format.is_planar and channels < frame.layout.nb_channels:
        samples = np.frombuffer(planes[0], np.uint8).reshape(frame.samples, frame.layout.nb_channels, -1)
        planes = [samples[:, :channels].tobytes()]
    named = _create_frame(frame.format.name, name, frame.sample_rate, planes)
    named.pts, named.time_base = frame.pts, frame.time_base
    return named


def _plane_shape(form: av.AudioFormat, layout: av.AudioLayout) -> tuple[int, int]:
    """The number of planes, one for each channel or one for all, and the bytes of a sample in each.

    PyAV 18 states one plane too many for eight channels and more, and reads and writes beyond the last.
    """
    channels = layout.nb_channels
    return (channels, form.bytes) if form.is_planar else (1, channels * form.bytes)


def _plane_data(frame: AudioFrame) -> list[bytes]:
    count, width = _plane_shape(frame.format, frame.layout)
    return [bytes(plane)[: frame.samples * width] for plane in frame.planes[:count]]


def _create_frame(form: str, layout: str, rate: int, planes: list[bytes]) -> AudioFrame:
    _, width = _plane_shape(av.AudioFormat(form), av.AudioLayout(layout))
    frame = AudioFrame(form, layout, len(planes[0]) // width)
    for plane, data in zip(frame.planes, planes, strict=False):
        plane.update(data)
    frame.sample_rate = rate
    return frame
