"""`cartoonize video`."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ..core.errors import MediaError
from ..styles import DEFAULT
from .console import plain, say, tell
from .drawing import Bar, draw, joined, onnx_options, opened_once
from .files import Rules, SkipExisting, Watch, draw_files
from .options import (
    LOOK,
    AsJson,
    Background,
    Batch,
    ChannelOrder,
    Codec,
    Compare,
    Container,
    Crf,
    Debug,
    DetailName,
    Device,
    End,
    Fps,
    Hdr,
    InputRange,
    KeepColour,
    MaxPixels,
    MaxSize,
    NoAudio,
    OnCluster,
    Overwrite,
    PrecisionName,
    Preset,
    Provider,
    Resume,
    Stabilize,
    Start,
    Strength,
    Style,
    TolerateErrors,
    VideoStream,
    parse_batch,
    parse_rate,
    parse_seconds,
)

if TYPE_CHECKING:
    from ..backends import LoadedBackend
    from ..cluster.connection import Cluster
    from ..core.choices import Detail
    from ..run.files import Job
    from ..run.job import Report


def video(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="SRC... DST",
            help="The video or animation to draw; a folder of pictures; - for standard input. Last, what to "
            "write; the suffix names the format. frames/%05d.png for numbered pictures; - for standard "
            "output. For several videos, folders of videos, or patterns such as 'clips/**/*.mp4': a folder.",
        ),
    ],
    style: Style = DEFAULT,
    detail: DetailName = "normal",
    device: Device = "auto",
    precision: PrecisionName = "auto",
    batch: Batch = "auto",
    stabilize: Stabilize = True,
    resume: Resume = True,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    watch: Watch = False,
    cluster: OnCluster = None,
    as_json: AsJson = False,
    strength: Strength = 1.0,
    keep_colour: KeepColour = False,
    compare: Compare = None,
    max_size: MaxSize = None,
    preview: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Draw N moments only, onto one picture, DST: to see in seconds whether one likes it.",
            rich_help_panel=LOOK,
        ),
    ] = None,
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
    _debug: Debug = False,
) -> None:
    """Draw a video. Sound, subtitles, timing and metadata come out as they went in.

    [bold]Examples[/bold]

      cartoonize video holiday.mp4 cartoon.mp4

      cartoonize video film.mkv part.mp4 --start 1:30 --end 2:00 --crf 23

      cartoonize video frames/ cartoon.mp4 --fps 24

      cartoonize video cat.gif cartoon.gif

      cartoonize video film.mkv cartoon.mkv --cluster auto

      cartoonize video clips/ cartoons/ --skip-existing

      cartoonize video holiday.mp4 look.png --preview 9

      cartoonize video holiday.mp4 both.mp4 --compare wipe
    """
    from ..effects.compositing import Retouch
    from ..effects.look import Look
    from ..media import Decoding, Encoding, open_sink, open_video, parse_location
    from ..run.files import Job, videos
    from ..run.job import Report, prepare_decoding, written_size

    if as_json and paths[-1] == Path("-"):
        raise MediaError("--json prints on standard output, where the video goes; leave it out.")
    look, told = Look(stabilize, 1, Retouch(strength, keep_colour, compare)), list[str]()
    asked = Decoding(stream, hdr, parse_rate(fps), max_pixels, max_size, cast("Detail", detail))
    decoding = prepare_decoding(asked, look, style, told)
    tell(told)
    encoding = Encoding(codec, crf, preset, not no_audio, container, background)
    part = {"start": parse_seconds(start), "end": parse_seconds(end)}
    how = {"look": look, "resume": resume, "tolerate_errors": tolerate_errors}
    frames = parse_batch(batch)

    def draw_video(load: Callable[[], "LoadedBackend"], job: Job, bar: Bar) -> Report:
        with open_video(job.source, **part, decoding=decoding) as source:
            backend = load()
            size = written_size(source, look)
            sink = open_sink(job.target, source, encoding=encoding, overwrite=overwrite, size=size)
            return draw(
                source, sink, backend, Report(str(parse_location(job.target)), style), frames, bar, **how
            )

    rules = Rules(skip_existing, overwrite, watch, as_json)
    if cluster is not None and preview is None:
        onnx = onnx_options(provider, input_range, channel_order)
        usual = {"style": style, "device": device, "precision": precision, "batch": frames, "onnx": onnx,
                 "decoding": decoding, "encoding": encoding, "overwrite": overwrite}  # fmt: skip
        with joined(cluster, device, style) as machines:
            drawn = partial(_draw_on, machines, usual | part | how)
            draw_files(paths, videos(container), drawn, lambda: None, rules, alone=fps is not None)
        return
    with opened_once(style, device, precision, provider, input_range, channel_order) as load:
        if preview is not None:
            looks = {"decoding": decoding, "look": look, **part}
            _preview(paths, load, overwrite=overwrite, count=preview, **looks)
        else:
            drawn = partial(draw_video, load)
            draw_files(paths, videos(container), drawn, load, rules, alone=fps is not None)


def _draw_on(machines: "Cluster", options: dict[str, Any], job: "Job", bar: Bar) -> "Report":
    from ..cluster.jobs import VideoJob, draw_job

    return draw_job(machines, VideoJob(job.source, job.target, **options), bar)


def _preview(paths: Sequence[Path], load: Callable[[], "LoadedBackend"], **options: Any) -> None:
    from ..run.preview import preview_video

    if len(paths) != 2:
        raise MediaError("--preview shows one video: name SRC and the picture to write.")
    source, target = paths
    tell(preview_video(source, target, load(), **options))
    say(plain(str(target)))
