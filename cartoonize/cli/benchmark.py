"""`cartoonize benchmark`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import literal_text, print_json, print_result
from .convert import open_backend
from .options import AsJson, DetailName, NetworkOptions, OnnxFileOptions
from .values import Size, parse_size

if TYPE_CHECKING:
    from rich.console import Group

    from ..tools.benchmark import Benchmark


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
        int, typer.Option(min=1, metavar="N", help="Rounds; the figures are their medians.")
    ] = 3,
    as_json: AsJson = False,
    onnx: OnnxFileOptions,
) -> None:
    """Measure how fast this machine converts: each stage alone, and all together.

    [bold]Examples[/bold]
      cartoonize benchmark
      cartoonize benchmark --style my.onnx --size 1920x1080 --json
    """
    from ..tools.benchmark import benchmark as measure

    width, height = size or Size(1280, 720)
    with open_backend(network, onnx) as backend:
        result = measure(
            backend, network.style, width=width, height=height, rounds=rounds, clip=clip, detail=detail
        )
    if as_json:
        print_json(asdict(result))
    else:
        print_result(_table(result))


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
        f"{result.frames} frames, median of {result.rounds} rounds",
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
