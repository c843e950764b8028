"""Makes media for the tests: clips whose frames, times, tones and tags are known."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from cartoonize import stylize

SHARED = Path(os.environ.get("CARTOONIZE_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
CASES = SHARED.with_name("cases")
BEATS = [n + n // 5 * 3 + n // 11 for n in range(240)]
"""Times of a variable frame rate."""


@dataclass
class Clip:
    """A clip to write. Without `images`, its frames are grey, with a white square that moves."""

    size: tuple[int, int] = (64, 48)  # width, height
    times: Sequence[int] = tuple(range(12))  # pts
    time_base: Fraction = Fraction(1, 24)
    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=lambda: {"crf": "10"})
    pixel_format: str = "yuv420p"
    images: Sequence[np.ndarray] | None = None
    tones: Sequence[float] = ()  # Hz, one audio stream each
    audio_codec: str = "aac"
    rotation: int = 0  # counter-clockwise
    mirrored: bool = False  # after that
    aspect: Fraction = Fraction(1)
    colour: tuple[Colorspace, ColorRange] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    chapters: bool = False
    last_duration: int = 1

    @property
    def seconds(self) -> float:
        return float((self.times[-1] + self.last_duration) * self.time_base)

    def image(self, number: int) -> np.ndarray:
        if self.images is not None:
            return self.images[number]
        width, height = self.size
        picture = np.full((height, width, 3), 60, np.uint8)
        left = number * 3 % max(1, width - 8)
        picture[height // 4 : height // 2, left : left + 8] = 230
        return picture

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(path, "w") as container:
            container.metadata.update(self.metadata)
            video = self._video_stream(container)
            tones = [self._audio_stream(container, number) for number in range(len(self.tones))]
            if self.chapters:
                half = int(self.seconds * 500)
                container.set_chapters([
                    {"id": n, "start": n * half, "end": (n + 1) * half, "time_base": Fraction(1, 1000),
                     "metadata": {"title": f"part {n + 1}"}}
                    for n in range(2)
                ])  # fmt: skip
            for number, pts in enumerate(self.times):
                container.mux(video.encode(self._frame(number, pts)))
            container.mux(video.encode(None))
            for stream, hertz in zip(tones, self.tones, strict=True):
                for frame in self.sound(hertz):
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        return path

    def _video_stream(self, container):
        stream = container.add_stream(self.codec, rate=round(1 / self.time_base), options=self.options)
        stream.time_base = self.time_base
        context = stream.codec_context
        context.width, context.height = self.size
        context.pix_fmt, context.time_base = self.pixel_format, self.time_base
        context.sample_aspect_ratio = self.aspect
        context.flags |= av.codec.context.Flags.frame_duration
        if self.colour:
            matrix, color_range = self.colour
            context.colorspace = {Colorspace.ITU709: 1, Colorspace.ITU601: 6, Colorspace.BT2020: 9}[matrix]
            context.color_range = color_range.value
        if self.rotation or self.mirrored:
            stream.set_display_rotation(self.rotation, hflip=self.mirrored)
        return stream

    def _audio_stream(self, container, number):
        stream = container.add_stream(self.audio_codec, rate=48000, layout="mono")
        stream.metadata["language"] = ("eng", "deu", "fra")[number]
        return stream

    def _frame(self, number: int, pts: int) -> av.VideoFrame:
        matrix, color_range = self.colour or (Colorspace.ITU601, ColorRange.MPEG)
        frame = av.VideoFrame.from_ndarray(self.image(number), "rgb24").reformat(
            format=self.pixel_format, dst_colorspace=matrix, src_color_range=ColorRange.JPEG,
            dst_color_range=color_range, interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
        )  # fmt: skip
        frame.pts, frame.time_base = pts, self.time_base
        last = number == len(self.times) - 1
        frame.duration = self.last_duration if last else self.times[number + 1] - pts
        return frame

    def sound(self, hertz: float) -> Iterator[av.AudioFrame]:
        samples = np.sin(np.arange(int(48000 * self.seconds)) * (2 * np.pi * hertz / 48000))
        for start in range(0, len(samples), 960):
            chunk = (samples[start : start + 960] * 12000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
            yield frame


@dataclass
class ClipContents:
    """The contents of a written clip."""

    images: list[np.ndarray]
    times: list[float]
    audio: list[list[bytes]]
    kinds: list[str]
    seconds: float | None


def read_clip(path: Path) -> ClipContents:
    """Decode a clip by plain PyAV, independently of the package."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
        kinds = [stream.type for stream in container.streams]
        tracks = range(len(container.streams.audio))
        duration = container.duration
    return ClipContents(
        [frame.to_ndarray(format="rgb24") for frame in frames],
        [float(frame.pts * frame.time_base) for frame in frames],
        [packets(path, track) for track in tracks],
        kinds,
        duration / av.time_base if duration else None,
    )


def write_film(path: Path, shots: Sequence[np.ndarray], length: int = 20) -> Path:
    """Write a film of still shots, each of `length` frames, at 10 frames/s."""
    images = [np.ascontiguousarray(shot) for shot in shots for _ in range(length)]
    return Clip(images[0].shape[1::-1], range(len(images)), Fraction(1, 10), images=images).write(path)


convert = partial(stylize, style="null")
"""Converts a file by the style that changes no frame: (source, target, **options of `stylize`)."""


def stream_kinds(path: Path) -> list[str]:
    """The kinds of all streams, sorted."""
    with av.open(path) as container:
        return sorted(stream.type for stream in container.streams)


def mean_difference(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """The mean difference of the pictures of two clips, in grey levels."""
    return float(np.abs(np.stack(before).astype(int) - np.stack(after)).mean())


def require_encoder(name: str) -> None:
    """Skip the test if this build of FFmpeg lacks an encoder."""
    try:
        av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this build of FFmpeg has no {name}")


def packets(path: Path, track: int) -> list[bytes]:
    """The payloads of an audio stream's packets."""
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=track) if packet.size]


def all_packets(path: Path) -> list[list[tuple]]:
    """The packets of all streams: times, whether a decoder can start there, and payload."""
    with av.open(path) as container:
        by_stream: list[list[tuple]] = [[] for _ in container.streams]
        for p in container.demux():
            if p.size:
                by_stream[p.stream_index].append((p.pts, p.dts, p.duration, p.is_keyframe, bytes(p)))
    return by_stream


def remux(
    target: Path,
    *sources: Path,
    options: dict[str, str] | None = None,
    prepare: Callable[[av.container.OutputContainer], object] = lambda _: None,
    change: Callable[[av.Packet], object] = lambda _: None,
) -> Path:
    """Write the streams of files into one, packet by packet, with options of the muxer.

    `prepare` gets the container when it has its streams, and `change` gets each packet.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(av.open(source)) for source in sources]
        container = stack.enter_context(av.open(target, "w", container_options=options or {}))
        streams = [
            [container.add_stream_from_template(stream, opaque=True) for stream in file.streams]
            for file in files
        ]
        prepare(container)
        for file, copies in zip(files, streams, strict=True):
            for packet in file.demux():
                if packet.size:
                    change(packet)
                    packet.stream = copies[packet.stream_index]
                    container.mux(packet)
    return target


def choose_last(container: av.container.OutputContainer) -> None:
    """Make the last stream the default one."""
    *others, last = container.streams
    last.disposition = Disposition.default
    for stream in others:
        stream.disposition = Disposition(0)


def extract_h264(source: Path, target: Path) -> Path:
    """Write the H.264 of an MP4 file without its container: it has neither times nor an index."""
    with av.open(source) as boxed, av.open(target, "w") as raw:
        stream = raw.add_stream_from_template(boxed.streams.video[0], opaque=True)
        filtered = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", boxed.streams.video[0], stream)
        for packet in boxed.demux(video=0):
            for plain in filtered.filter(packet if packet.size else None):
                plain.stream = stream
                raw.mux(plain)
    return target


def make_files(*names: str) -> None:
    """Write files of these names below the current folder; they hold neither a picture nor a video."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("nothing to see")


def names_in(folder: Path) -> list[str]:
    """The names of the files in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())
