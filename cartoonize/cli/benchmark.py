"""`cartoonize benchmark`."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..styles import DEFAULT
from .console import print_result, terminal
from .drawing import open_backend
from .options import (
    AsJson,
    ChannelOrder,
    DetailName,
    Device,
    InputRange,
    PrecisionName,
    Provider,
    Style,
    parse_size,
)


def benchmark(
    style: Style = DEFAULT,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of the clip that is made.")] = "1280x720",
    clip: Annotated[
        Path | None, typer.Option("--video", help="A clip to draw in place of the one that is made.")
    ] = None,
    detail: DetailName = "normal",
    rounds: Annotated[int, typer.Option(min=1, help="Turns; the figures are their medians.")] = 3,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine draws: every stage alone, and all together.

    [bold]Examples[/bold]

      cartoonize benchmark

      cartoonize benchmark --style my.onnx --size 1920x1080 --json
    """
    from ..tools.benchmark import benchmark as measure
    from ..tools.benchmark import benchmark_table

    width, height = parse_size(size)
    with open_backend(style, device, precision, provider, input_range, channel_order) as backend:
        result = measure(backend, style, width=width, height=height, rounds=rounds, clip=clip, detail=detail)
    if as_json:
        print_result(asdict(result))
    else:
        terminal(sys.stdout).print(benchmark_table(result))
