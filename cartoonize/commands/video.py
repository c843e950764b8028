"""`cartoonize video`."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import finish
from ..errors import DamageError, MediaError
from ..options import (
    AsJson,
    Background,
    Batch,
    ChannelOrder,
    Codec,
    Container,
    Crf,
    Device,
    End,
    Fps,
    Hdr,
    InputRange,
    MaxPixels,
    NoAudio,
    OnCluster,
    Overwrite,
    PrecisionName,
    Preset,
    Provider,
    Resume,
    Stabilize,
    Start,
    Style,
    TolerateErrors,
    VideoStream,
    parse_batch,
    parse_rate,
    parse_seconds,
)
from ..styles import DEFAULT
from .drawing import draw, draw_on_cluster, onnx_options, open_backend


def video(
    src: Annotated[
        Path,
        typer.Argument(
            metavar="SRC", help="The video or animation to draw; a folder of pictures; - for standard input."
        ),
    ],
    dst: Annotated[
        Path,
        typer.Argument(
            metavar="DST",
            help="What to write; the suffix names the format. frames/%05d.png for numbered pictures; "
            "- for standard output.",
        ),
    ],
    style: Style = DEFAULT,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    batch: Batch = "auto",
    stabilize: Stabilize = True,
    resume: Resume = True,
    overwrite: Overwrite = False,
    cluster: OnCluster = None,
    as_json: AsJson = False,
    start: Start = None,
    end: End = None,
    stream: VideoStream = None,
    fps: Fps = None,
    hdr: Hdr = "tonemap",
    tolerate_errors: TolerateErrors = False,
    max_pixels: MaxPixels = None,
    container: Container = None,
    codec: Codec = None,
    crf: Crf = None,
    preset: Preset = None,
    no_audio: NoAudio = False,
    background: Background = "white",
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
) -> None:
    """Draw a video. Sound, subtitles, timing and metadata come out as they went in.

    [bold]Examples[/bold]

      cartoonize video holiday.mp4 cartoon.mp4

      cartoonize video film.mkv part.mp4 --start 1:30 --end 2:00 --crf 23

      cartoonize video frames/ cartoon.mp4 --fps 24

      cartoonize video cat.gif cartoon.gif

      cartoonize video film.mkv cartoon.mkv --cluster auto
    """
    from ..job import Report, damage_sentence
    from ..media import Decoding, Encoding, located, open_sink, open_video

    if as_json and dst == Path("-"):
        raise MediaError("--json prints on standard output, where the video goes; leave it out.")
    decoding = Decoding(stream, hdr, parse_rate(fps), max_pixels)
    encoding = Encoding(codec, crf, preset, not no_audio, container, background)
    part = {"start": parse_seconds(start), "end": parse_seconds(end)}
    how = {"stabilize": stabilize, "resume": resume, "tolerate_errors": tolerate_errors}
    if cluster is not None:
        report = draw_on_cluster(
            cluster, device, src, dst, style=style, precision=precision, batch=parse_batch(batch),
            onnx=onnx_options(provider, input_range, channel_order), decoding=decoding, encoding=encoding,
            overwrite=overwrite, **part, **how,
        )  # fmt: skip
    else:
        with open_video(src, decoding=decoding, **part) as source:
            backend = open_backend(style, device, precision, provider, input_range, channel_order)
            sink = open_sink(dst, source, encoding=encoding, overwrite=overwrite)
            report = draw(source, sink, backend, Report(str(located(dst)), style), parse_batch(batch), **how)
    finish(report, as_json)
    if report.partial:
        raise DamageError(damage_sentence(report))
