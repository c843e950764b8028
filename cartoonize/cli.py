"""The command line. Everything heavy is imported inside the commands: `--help` answers at once."""

import signal
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .console import finish, plain, print_result, progress, say, say_all, terminal
from .errors import CartoonizeError, DamageError, MediaError, Stopped
from .export.cli import app as export_app
from .options import (
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
    parse_size,
)
from .styles import DEFAULT
from .training.cli import app as training_app
from .version import __version__

if TYPE_CHECKING:
    from .backends import LoadedBackend
    from .job import Report
    from .media import Sink, Source

app = typer.Typer(
    name="cartoonize",
    help="Turn video and pictures into cartoons, and train the networks that do it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
styles_app = typer.Typer(help="The built-in styles.", invoke_without_command=True)
app.add_typer(styles_app, name="styles")
app.add_typer(training_app, name="train")

INTERRUPTED = 130  # the exit code of Ctrl-C; 128 + SIGINT


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"cartoonize {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Turn video and pictures into cartoons, and train the networks that do it."""


@app.command()
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
    """
    from .job import Report, damage_sentence
    from .media import Decoding, Encoding, open_sink, open_video

    if as_json and dst == Path("-"):
        raise MediaError("--json prints on standard output, where the video goes; leave it out.")
    decoding = Decoding(stream, hdr, parse_rate(fps), max_pixels)
    with open_video(src, start=parse_seconds(start), end=parse_seconds(end), decoding=decoding) as source:
        backend = _load(style, device, precision, provider, input_range, channel_order)
        encoding = Encoding(codec, crf, preset, not no_audio, container, background)
        sink = open_sink(dst, source, encoding=encoding, overwrite=overwrite)
        report = Report(str(dst), style)
        _run(source, sink, backend, report, parse_batch(batch), stabilize=stabilize, resume=resume,
             tolerate_errors=tolerate_errors)  # fmt: skip
        finish(report, as_json)
        if report.partial:
            raise DamageError(damage_sentence(report))


@app.command()
def image(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="SRC... DST", help="Pictures or folders of pictures; last, a file or a folder to write."
        ),
    ],
    style: Style = DEFAULT,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
    max_pixels: MaxPixels = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Draw pictures. Orientation, colour profile, EXIF and transparency are kept.

    [bold]Examples[/bold]

      cartoonize image portrait.jpg cartoon.png

      cartoonize image *.jpg cartoons/
    """
    from .job import Report
    from .media import PictureSink, PictureSource

    if len(paths) < 2:
        raise MediaError("Name at least one picture and, last, the file or folder to write.")
    *sources, dst = paths
    with PictureSource(sources, max_pixels=max_pixels) as source:
        backend = _load(style, device, precision, provider, input_range, channel_order)
        sink = PictureSink(dst, source, overwrite=overwrite)
        finish(_run(source, sink, backend, Report(str(dst), style), 1), as_json)


@styles_app.callback()
def styles(context: typer.Context) -> None:
    """List the built-in styles; `cartoonize styles show NAME` prints the card of one."""
    if context.invoked_subcommand is None:
        from .cards import styles_table

        terminal(sys.stdout).print(styles_table())


@styles_app.command("show")
def show_style(name: Annotated[str, typer.Argument(help="A built-in style or a style file.")]) -> None:
    """Print a style's card: what it was trained on, its licence, how to make it again."""
    from .cards import style_card

    terminal(sys.stdout).print(style_card(name))


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the demo.")] = Path("cartoonize-demo"),
    style: Style = DEFAULT,
    device: Device = "auto",
) -> None:
    """Make a short clip with sound from free photos, and draw it and one of the photos."""
    from .demo import PHOTO_CREDITS, make_demo_clip, make_demo_photo
    from .job import Report
    from .media import open_sink, open_source

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"Cannot make the folder {folder}: {error.strerror}.") from error
    clip, photo = folder / "clip.mp4", folder / "photo.png"
    make_demo_clip(clip)
    make_demo_photo(photo)
    backend = _load(style, device, "auto")
    for made in (clip, photo):
        drawn = made.with_name(f"{made.stem}-cartoon{made.suffix}")
        with open_source(made) as source:
            sink = open_sink(drawn, source, overwrite=True)
            moving = made == clip
            report = _run(source, sink, backend, Report(str(drawn), style), None, stabilize=moving)
            finish(report, as_json=False)
    say(PHOTO_CREDITS)
    say(f"\nLook at them side by side in {plain(str(folder))}/:")
    say("  clip.mp4   clip-cartoon.mp4\n  photo.png  photo-cartoon.png")


@app.command()
def benchmark(
    style: Style = DEFAULT,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of the clip that is made.")] = "1280x720",
    clip: Annotated[
        Path | None, typer.Option("--video", help="A clip to draw in place of the one that is made.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns; the figures are their medians.")] = 3,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine draws: decoding, network and encoding alone, and all together.

    [bold]Examples[/bold]

      cartoonize benchmark

      cartoonize benchmark --style my.onnx --size 1920x1080 --json
    """
    from .benchmark import benchmark as measure
    from .benchmark import benchmark_table

    width, height = parse_size(size)
    backend = _load(style, device, precision, provider, input_range, channel_order)
    result = measure(backend, style, width=width, height=height, rounds=rounds, clip=clip)
    if as_json:
        print_result(asdict(result))
    else:
        terminal(sys.stdout).print(benchmark_table(result))


app.registered_commands += export_app.registered_commands


def main() -> NoReturn:
    """Run the command line; errors that a user can mend are one sentence and their exit code."""
    # Pillow warns of each oddity in the EXIF of a picture; what matters of it is in our notices.
    warnings.filterwarnings("ignore", module="PIL")
    _stop_on_signals()
    try:
        app(prog_name="cartoonize")
    except Stopped as stopped:
        say_all(str(stopped), stopped)
        sys.exit(stopped.exit_code)
    except CartoonizeError as error:
        say_all(f"[bold red]Error:[/bold red] {plain(str(error))}", error)
        sys.exit(error.exit_code)
    except SystemExit as stopped:
        if stopped.code == INTERRUPTED:
            say("Stopped.")
        raise
    sys.exit(0)


def _stop_on_signals() -> None:
    """Let Ctrl-C, `kill` and a closing terminal end the work in order; what `nohup` has ignored stays so."""

    def stop(number: int, _frame: object) -> None:
        for other in numbers:  # the second Ctrl-C would break off the tidying up after the first
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [
        getattr(signal, name) for name in names if signal.getsignal(getattr(signal, name)) != signal.SIG_IGN
    ]
    for number in numbers:
        signal.signal(number, stop)


def _load(
    style: str,
    device: str,
    precision: Any,
    provider: Any = "auto",
    input_range: Any = "auto",
    channel_order: Any = "rgb",
) -> "LoadedBackend":
    from .backends import load
    from .backends.onnx import OnnxOptions

    options = OnnxOptions(provider, input_range, channel_order)
    told = None if options == OnnxOptions() else options
    backend = load(style, device=device, precision=precision, onnx=told)
    say(f"[bold]{plain(style)}[/bold] on {plain(backend.device)}, {backend.precision}, {backend.runtime}")
    return backend


def _run(
    source: "Source",
    sink: "Sink",
    backend: "LoadedBackend",
    report: "Report",
    batch: int | None,
    **options: bool,
) -> "Report":
    from .job import run

    with progress(report.output, source.frames) as done:
        return run(source, sink, backend, report, batch=batch, on_frame=done, **options)
