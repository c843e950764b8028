"""Clips for benchmarks: their first frames, and longer versions."""

from itertools import islice
from pathlib import Path

import av
import numpy as np

from cartoonize.core.frames import Images
from cartoonize.media import VideoSource


def first_frames(clip: Path, count: int) -> Images:
    """The first frames as one array."""
    with VideoSource(clip) as source:
        return np.stack([frame.image for frame in islice(source, count)])


def repeat(clip: Path, target: Path, length: float) -> float:
    """Write the clip's video and sound again and again for `length` seconds, without encoding.

    Returns the seconds that the result lasts.
    """
    clip_seconds = measure_span(clip)
    with av.open(clip) as source, av.open(target, "w") as sink:
        copied = (source.streams.video[0], *source.streams.audio[:1])
        streams = {stream.index: sink.add_stream_from_template(stream) for stream in copied}
        repetitions = max(1, int(length / clip_seconds))
        for repetition in range(repetitions):
            source.seek(0)
            for packet in source.demux(*copied):
                if packet.pts is None or packet.dts is None or packet.time_base is None:
                    continue
                shift = round(repetition * clip_seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                sink.mux(packet)
    return repetitions * clip_seconds


def measure_span(clip: Path) -> float:
    """Seconds from the first decoding time to the last end: a repetition starts after all of the clip."""
    with av.open(clip) as source:
        copied = (source.streams.video[0], *source.streams.audio[:1])
        starts, ends = [], []
        for packet in source.demux(*copied):
            if packet.pts is None or packet.dts is None or packet.time_base is None:
                continue
            starts.append(packet.dts * packet.time_base)
            ends.append((packet.pts + (packet.duration or 0)) * packet.time_base)
        return float(max(ends) - min(starts))
