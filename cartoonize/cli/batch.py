"""`cartoonize batch`."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import CartoonizeError
from .console import escape, print_error, print_json, print_message, print_notices, summary
from .convert import connect_cluster
from .options import OutputOptions, VideoOptions
from .progress import ProgressBars

if TYPE_CHECKING:
    from ..run.report import Report


def batch(
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST",
            help="A CSV table with the columns source and target and, optionally, style, start, end, codec, "
            "crf and preset. An empty cell takes the value of the option.",
        ),
    ],
    options: VideoOptions,
    output: OutputOptions,
    cluster: Annotated[
        str,
        typer.Option(
            metavar="auto|ADDRESS",
            help="The Ray cluster; auto is the one that runs on this machine, or else this machine alone.",
        ),
    ] = "auto",
) -> None:
    """Convert many videos on a Ray cluster. If one fails, it is reported and the others are converted.

    A target that exists counts as done: the same command continues where
    it was stopped.

    Examples:
      cartoonize batch films.csv
      cartoonize batch s3://films/list.csv --cluster 10.0.0.1:6379 --json
    """
    from ..cluster.batch import convert_batch, read_manifest
    from ..cluster.video_job import VideoJob
    from ..media import read_text
    from ..run.report import FilesReport

    template = VideoJob(Path(), Path(), overwrite=output.overwrite, **options.job())
    lines = read_manifest(read_text(manifest).splitlines(keepends=True), str(manifest), template)
    with connect_cluster(cluster, options.network) as connected, ProgressBars(removes_done=True) as bars:
        report = FilesReport(str(manifest), options.network.style, str(manifest))
        print_outcome = partial(_print_outcome, as_json=output.as_json)
        convert_batch(
            connected, lines, report, bars.file, overwrite=output.overwrite, on_report=print_outcome
        )
    print_notices(report.notices)
    if output.as_json:
        print_json(asdict(report))
    skipped = f", {report.skipped} existed already" if report.skipped else ""
    print_message(f"{report.converted} of {len(lines)} videos converted{skipped} in {report.seconds:.1f} s")
    if report.failed:
        failures = [file.error for file in report.files if file.state == "failed"]
        raise CartoonizeError(f"{len(failures)} of {len(lines)} videos failed.\n" + "\n".join(failures))


def _print_outcome(report: "Report", *, as_json: bool) -> None:
    if report.error:
        print_error(CartoonizeError(report.error), label="Failed")
    elif not as_json:
        print_message(escape(summary(report)))
