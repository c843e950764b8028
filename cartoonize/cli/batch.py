"""`cartoonize batch`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..core.errors import CartoonizeError
from ..styles import DEFAULT
from .console import Bars, print_result, say
from .drawing import joined, onnx_options
from .options import (
    AsJson,
    Batch,
    ChannelOrder,
    Codec,
    Crf,
    Debug,
    DetailName,
    Device,
    InputRange,
    Overwrite,
    PrecisionName,
    Preset,
    Provider,
    Resume,
    Stabilize,
    Style,
    TolerateErrors,
    parse_batch,
)

if TYPE_CHECKING:
    from ..core.choices import Detail, Precision


def batch(
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST",
            help="A table in CSV with the columns source and target and, if wanted, style, start, end, "
            "codec, crf and preset; empty cells are as the options say.",
        ),
    ],
    cluster: Annotated[
        str,
        typer.Option(
            metavar="auto|ADDRESS",
            help="The Ray cluster that draws; auto is the one that runs here, or this machine alone.",
        ),
    ] = "auto",
    style: Style = DEFAULT,
    detail: DetailName = "normal",
    device: Device = "auto",
    precision: PrecisionName = "auto",
    batch_size: Batch = "auto",
    stabilize: Stabilize = True,
    resume: Resume = True,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    tolerate_errors: TolerateErrors = False,
    codec: Codec = None,
    crf: Crf = None,
    preset: Preset = None,
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
    _debug: Debug = False,
) -> None:
    """Draw many videos on the machines of a Ray cluster. One that fails is reported, and the rest is drawn.

    A target that exists is taken to be done, so that the same command goes on where it was stopped.

    [bold]Examples[/bold]

      cartoonize batch films.csv

      cartoonize batch s3://films/list.csv --cluster 10.0.0.1:6379 --json
    """
    from ..cluster.batch import draw_batch, read_manifest
    from ..cluster.jobs import VideoJob
    from ..effects.look import Look
    from ..media import Decoding, Encoding, read_text

    onnx = onnx_options(provider, input_range, channel_order)
    usual = VideoJob(
        Path(), Path(), style, device, cast("Precision", precision), onnx, parse_batch(batch_size),
        decoding=Decoding(detail=cast("Detail", detail)), encoding=Encoding(codec, crf, preset),
        look=Look(stabilize), resume=resume, tolerate_errors=tolerate_errors, overwrite=overwrite,
    )  # fmt: skip
    lines = read_manifest(read_text(manifest).splitlines(keepends=True), str(manifest), usual)
    with joined(cluster, device, style) as machines, Bars(others=True) as bars:
        report = draw_batch(machines, lines, bars.file, overwrite=overwrite)
    if as_json:
        print_result(asdict(report))
    skipped = f", {len(report.skipped)} were there already" if report.skipped else ""
    say(f"{len(report.films)} of {len(lines)} videos drawn{skipped} in {report.seconds:.1f} s")
    if report.failed:
        told = [f"line {number}: {why}" for number, why in sorted(report.failed.items())]
        raise CartoonizeError(f"{len(told)} of {len(lines)} videos failed.\n" + "\n".join(told))
