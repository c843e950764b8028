"""`cartoonize benchmark`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .console import print_json, print_result
from .convert import open_backend
from .options import AsJson, DetailName, NetworkOptions, OnnxFileOptions
from .values import Size, parse_size


def benchmark(
    network: NetworkOptions,
    onnx: OnnxFileOptions,
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
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the figures are their medians.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine converts: each stage alone, and all together.

    [bold]Examples[/bold]
      cartoonize benchmark
      cartoonize benchmark --style my.onnx --size 1920x1080 --json
    """
    from ..tools.benchmark import benchmark as measure
    from ..tools.benchmark import benchmark_table

    width, height = size or Size(1280, 720)
    with open_backend(network, onnx) as backend:
        result = measure(
            backend, network.style, width=width, height=height, rounds=rounds, clip=clip, detail=detail
        )
    if as_json:
        print_json(asdict(result))
    else:
        print_result(benchmark_table(result))
