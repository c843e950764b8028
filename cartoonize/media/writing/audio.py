"""Sound that the target cannot take as it is: decoded, brought to one rate and layout, and encoded again."""

import io
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from ..damage import Damage

_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_GAP = 0.1  # seconds without sound that are kept as silence; less is how packets are timed


def accepted(container: str, add: Callable[[OutputContainer], Any]) -> bool:
    """Whether a container takes a stream, by writing a header with it into the memory.

    Muxers say so only then, and would do so at the first packet or the last one otherwise.
    """
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            add(trial)
            trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def named_layout(layout: av.AudioLayout) -> str:
    """The name of a layout, or the usual one for as many channels where it has none."""
    try:
        return av.AudioLayout(layout.name).name
    except ValueError:
        return _LAYOUTS.get(layout.nb_channels, "stereo")


def settings(container: str, encoder: str, rate: int, layout: str, channels: int) -> tuple[int, str] | None:
    """The rate and the layout nearest to the source's that encoder and container take; None if none is.

    Args:
        container: FFmpeg's name of it.
        encoder: that of the encoder.
        rate: samples a second of the source.
        layout: that of the source.
        channels: how many there are.
    """
    # libopus knows the speakers of "5.1(side)", as AC-3 names them, under the shorter name only.
    layouts = [layout.partition("(")[0], _LAYOUTS.get(channels, "stereo"), "5.1", "stereo", "mono"]
    if encoder == "libopus":
        rates = [48000]
    else:
        others = {96000, 48000, 44100, 22050} - {rate}
        rates = [rate, *sorted(others, key=lambda other: abs(math.log(other / rate)))]
    for name in dict.fromkeys(layouts):
        if av.AudioLayout(name).nb_channels > max(channels, 1):
            continue
        for chosen in rates:
            add = partial(OutputContainer.add_stream, codec_name=encoder, rate=chosen, layout=name)
            if _opens(encoder, chosen, name) and accepted(container, add):
                return chosen, name
    return None


def _opens(encoder: str, rate: int, layout: str) -> bool:
    context = cast("av.AudioCodecContext", av.CodecContext.create(encoder, "w"))
    formats = context.codec.audio_formats
    try:
        context.sample_rate, context.layout = rate, layout
        context.format = formats[0] if formats else "s16"
        context.open()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


class Reencoder:
    """Makes packets of `encoder` of those of a source, on the clock of the source.

    What changes its rate or layout on the way is brought to those of `target`; gaps become silence, and what
    overlaps follows. With `from_zero`, sound that starts late has silence in front.
    """

    def __init__(self, target: AudioStream, damage: Damage, *, from_zero: bool) -> None:
        self._target, self._damage = target, damage
        context = target.codec_context
        self._rate, self._layout, self._format = context.sample_rate, context.layout.name, context.format.name
        self._resampler: av.AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        self._next: int | None = 0 if from_zero else None  # the sample that follows

    def write(self, packet: "Packet[Any]") -> Iterator["Packet[Any]"]:
        """The packets that are ready once a packet of the source has come, at its time in the output."""
        try:
            frames = packet.decode()
        except av.error.FFmpegError:  # whatever a decoder says, it is of the data
            self._damage.packets += 1
            return
        for frame in frames:
            assert isinstance(frame, AudioFrame)
            begins = None if frame.pts is None else round(frame.pts * frame.time_base * self._rate)
            for even in self._resampled(_named(frame)):
                yield from self._placed(even, begins)
                begins = None

    def end(self) -> Iterator["Packet[Any]"]:
        """What is left."""
        for frame in self._resampler.resample(None) if self._resampler else ():
            yield from self._placed(frame, None)
        yield from self._target.encode(None)

    def _resampled(self, frame: AudioFrame) -> list[AudioFrame]:
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        before: list[AudioFrame] = []
        if shape != self._shape:
            before = self._resampler.resample(None) if self._resampler else []
            self._resampler = av.AudioResampler(self._format, self._layout, self._rate)
            self._shape = shape
        assert self._resampler is not None
        frame.pts = None
        return before + self._resampler.resample(frame)

    def _placed(self, frame: AudioFrame, begins: int | None) -> Iterator["Packet[Any]"]:
        """A frame at its place, behind silence if there is a gap."""
        if self._next is None:
            self._next = begins or 0
        gap = 0 if begins is None else begins - self._next
        while gap > _GAP * self._rate:
            length = min(gap, self._rate)
            yield from self._encoded(self._silence(length))
            gap -= length
            if gap <= _GAP * self._rate:
                break
        yield from self._encoded(frame)

    def _encoded(self, frame: AudioFrame) -> Iterator["Packet[Any]"]:
        frame.pts, frame.time_base = self._next, Fraction(1, self._rate)
        assert self._next is not None
        self._next += frame.samples
        yield from self._target.encode(frame)

    def _silence(self, samples: int) -> AudioFrame:
        frame = AudioFrame(self._format, self._layout, samples)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = self._rate
        return frame


def _named(frame: AudioFrame) -> AudioFrame:
    """A frame whose channels have places, as resamplers want them."""
    name = named_layout(frame.layout)
    if name == frame.layout.name:
        return frame
    samples: Any = np.ascontiguousarray(frame.to_ndarray())
    named = AudioFrame.from_ndarray(samples, frame.format.name, name)
    named.sample_rate, named.pts, named.time_base = frame.sample_rate, frame.pts, frame.time_base
    return named
