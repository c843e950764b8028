"""The command line. Everything heavy is imported inside the commands: `--help` answers at once."""

import json
import math
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .errors import CartoonizeError, DamageError, MediaError, PipeError, Stopped
from .export.cli import app as export_app
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

Style = Annotated[
    str,
    typer.Option(
        help="A built-in style (see `cartoonize styles`), a style file, an .onnx file, or a run folder."
    ),
]
Device = Annotated[
    str, typer.Option(help="auto, cpu, cuda or cuda:N. What is asked for runs, or nothing does.")
]
PrecisionName = Annotated[
    str, typer.Option("--precision", help="auto, fp32, bf16 or fp16; auto is the fastest of the device.")
]
Provider = Annotated[
    str,
    typer.Option(help="For .onnx files: auto, tensorrt, cuda or cpu. What is asked for runs, or nothing."),
]
InputRange = Annotated[
    str, typer.Option(help="Of another program's .onnx file: auto (by trying), -1..1, 0..1 or 0..255.")
]
ChannelOrder = Annotated[str, typer.Option(help="Of another program's .onnx file: rgb or bgr.")]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Refuse larger pictures and frames, before they take memory.",
        show_default="256 million; 67 million in a video",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing DST.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")]


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
    batch: Annotated[
        str,
        typer.Option(metavar="N|auto", help="Frames a call of the network; auto is what suits the device."),
    ] = "auto",
    codec: Annotated[
        str | None, typer.Option(help="An FFmpeg encoder.", show_default="libx264; libvpx-vp9 for .webm")
    ] = None,
    container: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="The container, as matroska, mpegts or y4m.",
            show_default="what the suffix says; matroska for -",
        ),
    ] = None,
    crf: Annotated[
        float | None,
        typer.Option(
            min=0, max=63, help="Constant quality: lower is better and larger.", show_default="18 for libx264"
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="The encoder's trade of time for size.", show_default="veryfast for libx264"),
    ] = None,
    stabilize: Annotated[
        bool,
        typer.Option(
            "--stabilize/--no-stabilize",
            help="Hold the drawing where the source stands still, so that walls do not shimmer.",
        ),
    ] = True,
    background: Annotated[
        str, typer.Option(help="A colour for transparent video to lie on where DST cannot be transparent.")
    ] = "white",
    hdr: Annotated[
        str, typer.Option(metavar="tonemap|fail", help="Turn HDR into SDR by ITU-R BT.2390, or refuse it.")
    ] = "tonemap",
    stream: Annotated[
        int | None, typer.Option(min=0, help="The video stream to draw, by its number in the file.")
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(help="Frames a second of a folder of pictures: 24 or 30000/1001.", show_default="25"),
    ] = None,
    no_audio: Annotated[bool, typer.Option("--no-audio", help="Leave the sound out.")] = False,
    start: Annotated[str | None, typer.Option(metavar="T", help="Begin here: 90, 1:30 or 0:01:30.5.")] = None,
    end: Annotated[str | None, typer.Option(metavar="T", help="Stop here, on the source's clock.")] = None,
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume",
            help="Go on where an interrupted run of the same command stopped, or start anew.",
        ),
    ] = True,
    tolerate_errors: Annotated[
        bool,
        typer.Option("--tolerate-errors", help="Take what can be drawn of a damaged SRC for the result."),
    ] = False,
    max_pixels: MaxPixels = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
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
    decoding = Decoding(stream, hdr, _rate(fps), max_pixels)
    with open_video(src, start=_seconds(start), end=_seconds(end), decoding=decoding) as source:
        backend = _load(style, device, precision, provider, input_range, channel_order)
        encoding = Encoding(codec, crf, preset, not no_audio, container, background)
        sink = open_sink(dst, source, encoding=encoding, overwrite=overwrite)
        report = Report(str(dst), style)
        _run(source, sink, backend, report, _batch(batch), stabilize=stabilize, resume=resume,
             tolerate_errors=tolerate_errors)  # fmt: skip
        _finish(report, as_json)
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
        _finish(_run(source, sink, backend, Report(str(dst), style), 1), as_json)


@styles_app.callback()
def styles(context: typer.Context) -> None:
    """List the built-in styles; `cartoonize styles show NAME` prints the card of one."""
    if context.invoked_subcommand is None:
        from .cards import styles_table

        _console(sys.stdout).print(styles_table())


@styles_app.command("show")
def show_style(name: Annotated[str, typer.Argument(help="A built-in style or a style file.")]) -> None:
    """Print a style's card: what it was trained on, its licence, how to make it again."""
    from .cards import style_card

    _console(sys.stdout).print(style_card(name))


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
            _finish(report, as_json=False)
    _say(PHOTO_CREDITS)
    _say(f"\nLook at them side by side in {_plain(str(folder))}/:")
    _say("  clip.mp4   clip-cartoon.mp4\n  photo.png  photo-cartoon.png")


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

    width, height = _size(size)
    backend = _load(style, device, precision, provider, input_range, channel_order)
    result = measure(backend, style, width=width, height=height, rounds=rounds, clip=clip)
    if as_json:
        _print_result(asdict(result))
    else:
        _console(sys.stdout).print(benchmark_table(result))


app.registered_commands += export_app.registered_commands


def main() -> NoReturn:
    """Run the command line; errors that a user can mend are one sentence and their exit code."""
    # Pillow warns of each oddity in the EXIF of a picture; what matters of it is in our notices.
    warnings.filterwarnings("ignore", module="PIL")
    _stop_on_signals()
    try:
        app(prog_name="cartoonize")
    except Stopped as stopped:
        _say_all(str(stopped), stopped)
        sys.exit(stopped.exit_code)
    except CartoonizeError as error:
        _say_all(f"[bold red]Error:[/bold red] {_plain(str(error))}", error)
        sys.exit(error.exit_code)
    except SystemExit as stopped:
        if stopped.code == INTERRUPTED:
            _say("Stopped.")
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
    _say(f"[bold]{_plain(style)}[/bold] on {_plain(backend.device)}, {backend.precision}, {backend.runtime}")
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

    with _progress(report.output, source.frames) as done:
        return run(source, sink, backend, report, batch=batch, on_frame=done, **options)


@contextmanager
def _progress(label: str, total: int | None) -> Iterator[Any]:
    """A bar on a terminal, nothing elsewhere; yields what to tell how many frames are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = _console(sys.stderr)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(Path(label).name, total=total, rate="")

        def done(frames: int) -> None:
            if frames > progress.tasks[0].completed + 1:  # an earlier run's, which tell nothing of the speed
                progress.reset(task, completed=frames, total=total)
            speed = progress.tasks[0].finished_speed or progress.tasks[0].speed
            progress.update(task, completed=frames, rate=f"{speed:.1f}/s" if speed else "")

        yield done


def _finish(report: "Report", as_json: bool) -> None:
    for notice in report.notices:
        _say(f"[yellow]Note:[/yellow] {_plain(notice)}")
    if as_json:
        _print_result(asdict(report))
    else:
        rate = f", {report.fps:.1f} frames/s" if report.frames > 1 else ""
        earlier = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
        _say(
            f"{_plain(report.output)}: {report.frames} frame{'s' * (report.frames != 1)}{earlier} in "
            f"{report.seconds:.1f} s{rate}"
        )


def _print_result(result: dict[str, Any]) -> None:
    """What --json promises."""
    try:
        print(json.dumps(result), flush=True)  # noqa: T201
    except BrokenPipeError as error:
        sys.stdout = None  # or the interpreter would try to flush it once more
        raise PipeError("The result was not printed: nobody reads it.") from error


def _seconds(text: str | None) -> float | None:
    """Seconds of "90", "1:30" or "0:01:30.5"."""
    if text is None:
        return None
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(map(math.isfinite, parts)) or any(part < 0 for part in parts[1:]):
        raise MediaError(f"{text!r} is no time; write seconds, M:SS or H:MM:SS.")
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + part
    return seconds


def _batch(text: str) -> int | None:
    """Frames a call; None of "auto"."""
    if text == "auto":
        return None
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise MediaError(f"{text!r} is no batch; write a number from 1, or auto.")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    """Width and height of "1280x720"."""
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not match:
        raise MediaError(f"{text!r} is no size; write WIDTHxHEIGHT, as in 1280x720.")
    width, height = int(match[1]), int(match[2])
    return width // 2 * 2, height // 2 * 2  # what every player can show


def _rate(text: str | None) -> Fraction | None:
    """Frames a second of "24", "23.976" or "30000/1001"."""
    try:
        return Fraction(text) if text is not None else None
    except (ValueError, ZeroDivisionError) as error:
        raise MediaError(f"{text!r} is no rate; write 24, or 30000/1001.") from error


def _say_all(text: str, error: BaseException) -> None:
    """A sentence, and what was noted on the way of the error that caused it."""
    for line in (text, *map(_plain, getattr(error, "__notes__", ()))):
        _say(line)


def _say(text: str) -> None:
    """For people: on stderr, so that stdout stays for results."""
    _console(sys.stderr).print(text, highlight=False, soft_wrap=True, emoji=False)


def _console(file: Any) -> Any:
    from rich.console import Console

    return Console(file=file)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
