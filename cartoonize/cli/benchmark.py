"""`cartoonize benchmark`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import MediaError
from ..core.messages import count_noun
from .console import escape, literal_text, print_json, print_result
from .convert import open_backend
from .options import AsJson, DetailName, NetworkOptions, OnnxFileOptions
from .progress import spinner
from .quantities import describe_duration
from .values import Size, parse_size

if TYPE_CHECKING:
    from rich.console import Group

    from ..tools.benchmark import Benchmark


_FILM_RATE = 30  # frames per second, of phones and most cameras


def benchmark(
    *,
    network: NetworkOptions,
    size: Annotated[
        Size | None,
        typer.Option(
            parser=parse_size, metavar="WxH", help="Size of the generated clip.", show_default="1280x720"
        ),
    ] = None,
    clip: Annotated[
        Path | None, typer.Option("--video", help="Clip to convert in place of the generated one.")
    ] = None,
    detail: DetailName = "normal",
    rounds: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Measure N rounds of the whole clip; the figures are their medians.",
            show_default="what takes half a minute",
        ),
    ] = None,
    as_json: AsJson = False,
    onnx: OnnxFileOptions,
) -> None:
    """Measure how fast this machine converts, in half a minute: each stage alone, and all together.

    Examples:
      cartoonize benchmark
      cartoonize benchmark --style my.onnx --size 1920x1080 --json
    """
    from ..media import VideoSource
    from ..tools.benchmark import benchmark as measure

    if clip is not None and size is not None:
        raise MediaError("--size is for the generated clip; leave it out with --video.")
    if clip is not None:
        VideoSource(clip).close()  # a missing or damaged clip is refused before the network is loaded
    width, height = size or Size(1280, 720)
    with open_backend(network, onnx) as backend, spinner("Measuring") as show:
        result = measure(
            backend, network.style, width=width, height=height, rounds=rounds, clip=clip, detail=detail,
            on_step=lambda step: show(f"Measuring: {step}"),
        )  # fmt: skip
    if as_json:
        print_json(asdict(result))
    else:
        print_result(f"[bold]{escape(describe_speed(result))}[/bold]")
        print_result(_table(result))


def describe_speed(result: "Benchmark") -> str:
    """The result in a sentence, for film of 30 frames per second."""
    width, height = map(int, result.size.split("x"))
    size = f"{height}p" if width * 9 == height * 16 else result.size
    film = describe_duration(600 * _FILM_RATE / result.fps)
    return f"{size} at {result.fps:.1f} frames/s: ten minutes of film take {film} (at {_FILM_RATE} frames/s)."


def _table(result: "Benchmark") -> "Group":
    """The figures for people, to paste into a bug report."""
    from rich.console import Group
    from rich.table import Table

    table = Table("stage", "ms per frame", "CPU ms per frame", "frames/s")
    for name, cost in result.stages.items():
        rate = f"{1000 / cost.wall:.1f}" if cost.wall else ""
        table.add_row(name, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", rate)
    network = result.stages["network"].wall
    memory = f"{result.peak_mb:.0f} MB" if result.peak_mb else "unknown"
    lines = [
        f"{result.style}, {result.size}, detail {result.detail}",
        f"{result.frames} frames, median of {count_noun(result.rounds, 'round')}",
        f"{result.device}, {result.precision}, {result.backend}, batch {result.batch}",
        f"together / slowest stage alone: {result.to_slowest:.2f}",
        f"together / lower bound of all cores: {result.to_bound:.2f}",
        f"CPU time outside the stages: {result.outside:.1%}; peak memory: {memory}",
        ", ".join(f"{name} {value}" for name, value in result.machine.items()),
    ]
    if result.gflop and network:
        speed = f"{result.gflop:.1f} GFLOP per frame, {result.gflop / network:.2f} TFLOP/s alone"
        lines.insert(3, f"network: {speed}")
    return Group(table, *map(literal_text, lines))
