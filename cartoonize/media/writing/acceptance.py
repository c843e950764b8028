"""What a container accepts, found out by trying: streams that are copied, and forms of encoded sound."""

import io
import math
from collections.abc import Callable
from functools import partial
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream

from ...core.containers import Container
from .audio_frames import LAYOUTS

_RATES = frozenset({96000, 48000, 44100, 22050})  # that encoders and containers take
_USUAL_RATE = 48000
_MEASURED_IN_BYTES = ("pcm_", "wma")
_FRAME_SIZES = frozenset({384, 512, 576, 1024, 1152, 1536, 2048})
"""Samples in a frame of the codecs that AVI files hold."""
_BLOCK_SIZE = 44  # where the header of a stream in an AVI file states the size of a block
_MP3_BLOCK = 1152
_DESCRIBED_BY_PACKETS = frozenset({"ac3", "eac3"})


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
            if container.named_opus and codec == "opus" and _is_ambisonic(stream):
                return False
            return not container.header_times or _is_timed(stream, codec, written.getvalue())
    except (ValueError, av.error.FFmpegError):
        return False


def _is_ambisonic(stream: Stream) -> bool:
    """Whether the channels of Opus are no speakers, by the mapping family in its header (RFC 7845, 5.1)."""
    return (stream.codec_context.extradata or b"")[18:19] > b"\1"


def _is_timed(stream: Stream, codec: str, header: bytes) -> bool:
    """Whether the header of an AVI file states the true duration of a packet of sound.

    FFmpeg calculates it from the size of a frame, and does not always know that of a stream that is copied.
    If the header also states the size of a block in bytes, readers count blocks in place of
    packets, except of MP3 with the usual size.
    """
    if not isinstance(stream, AudioStream) or codec.startswith(_MEASURED_IN_BYTES):
        return True
    block = int.from_bytes(header[header.index(b"strh") + 8 + _BLOCK_SIZE :][:4], "little")
    has_blocks = block > 0 and (codec, block) != ("mp3", _MP3_BLOCK)
    return not has_blocks and (stream.time_base or 0) * stream.codec_context.sample_rate in _FRAME_SIZES


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
    layouts = [layout.partition("(")[0], LAYOUTS.get(channels, "stereo"), "5.1", "stereo", "mono"]
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
