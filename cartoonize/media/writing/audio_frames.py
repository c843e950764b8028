"""Frames of sound: made, cut, and given a layout that has a name."""

from contextlib import suppress

import av
import numpy as np
from av.audio.frame import AudioFrame

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""The default layout for each number of channels."""


def layout_name(layout: av.AudioLayout) -> str:
    """The name of a layout, or the default one for its number of channels; empty if there is none."""
    if any(channel.name != "NONE" for channel in layout.channels):
        with suppress(ValueError):  # FFmpeg describes layouts of other channels than its own by words
            return av.AudioLayout(layout.name).name
    return LAYOUTS.get(layout.nb_channels, "")


def speaker_layout(layout: av.AudioLayout) -> str:
    """The name of the layout in which sound is encoded again.

    Of ambisonic sound, only the first channel is used: sound from all directions. The others are no speakers.
    """
    name = layout_name(layout) or "stereo"
    return "mono" if name.startswith("ambisonic") else name


def create_silence(form: str, layout: str, rate: int, samples: int) -> AudioFrame:
    """Silence of a number of samples; `form` is FFmpeg's name of their format."""
    count, width = _plane_shape(av.AudioFormat(form), av.AudioLayout(layout))
    return _create_frame(form, layout, rate, [bytes(samples * width)] * count)


def cut_start(frame: AudioFrame, samples: int) -> AudioFrame:
    """The frame without its first samples."""
    _, width = _plane_shape(frame.format, frame.layout)
    rest = [plane[samples * width :] for plane in _plane_data(frame)]
    return _create_frame(frame.format.name, frame.layout.name, frame.sample_rate, rest)


def to_speakers(frame: AudioFrame) -> AudioFrame:
    """The frame with its first channels in a layout that has a name, as resamplers need."""
    name = speaker_layout(frame.layout)
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
