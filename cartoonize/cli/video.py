"""`cartoonize video`."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.containers import VIDEO_SUFFIXES
from ..core.errors import MediaError
from ..core.messages import join_words
from .console import can_ask, escape, print_message, print_note, print_notices, size_of
from .convert import Load, Progress, connect_cluster_once, convert, open_backend_once
from .files import convert_files
from .options import LOOK, FilesOptions, OnCluster, VideoOptions
from .progress import file_progress

if TYPE_CHECKING:
    from ..cluster.connection import Cluster
    from ..effects.look import Look
    from ..media import Decoding, Encoding
    from ..run.file_jobs import Job
    from ..run.report import Report


def video(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help="Videos, animations, folders of them or patterns such as 'clips/**/*.mp4'; addresses such "
            "as s3://films/a.mp4; a folder of pictures, as the frames of one video; - for standard input. "
            "Last, the file or folder to write: the suffix selects the format; frames/%05d.png writes "
            "numbered pictures; - is standard output.",
        ),
    ],
    options: VideoOptions,
    files: FilesOptions,
    cluster: OnCluster = None,
    preview: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Convert only N moments and write them onto one picture, to judge a look within seconds.",
            rich_help_panel=LOOK,
        ),
    ] = None,
) -> None:
    """Convert videos into cartoons. Sound, subtitles, timing and metadata are kept.

    Examples:
      cartoonize video holiday.mp4 cartoon.mp4
      cartoonize video film.mkv part.mp4 --start 1:30 --end 2:00 --crf 23
      cartoonize video frames/ cartoon.mp4 --fps 24
      cartoonize video cat.gif cartoon.gif
      cartoonize video film.mkv cartoon.mkv --cluster auto
      cartoonize video clips/ cartoons/ --skip-existing
      cartoonize video holiday.mp4 look.png --preview 9
      cartoonize video holiday.mp4 both.mp4 --compare wipe
    """
    from ..media import check_encoding
    from ..run.plan import videos

    _check_standard_streams(paths, as_json=files.as_json)
    if preview is not None:
        _check_preview(files, cluster)
        _preview(paths, options, preview, overwrite=files.overwrite)
        return
    if len(paths) == 2 and _suggests_a_picture(paths[0], paths[1]):
        print_note(escape(f"{paths[1]} becomes an animation of all frames; --preview 1 writes a picture."))
    style = options.network.style
    kind, is_one_job = videos(options.encoding.format), options.decoding.fps is not None
    encoding = options.encoding.build()
    check = partial(_check_job, encoding)
    if files.watch:  # the names of the outputs, which decide more, are not known yet
        check_encoding(encoding)
    if cluster is not None:
        with connect_cluster_once(cluster, options.network) as connect:
            run = partial(_convert_on, connect, options, overwrite=files.overwrite)
            convert_files(
                paths, kind, run, files, style=style, load=connect, check=check, is_one_job=is_one_job
            )
        return
    look, decoding = options.look.build(), _decoding(options)
    with open_backend_once(options.network, options.onnx) as load:
        run = partial(_convert_here, load, options, look, decoding, overwrite=files.overwrite)
        convert_files(paths, kind, run, files, style=style, load=load, check=check, is_one_job=is_one_job)


def _check_standard_streams(paths: Sequence[str], *, as_json: bool) -> None:
    """Refuse - where it is a terminal, or where the report goes too."""
    *sources, target = paths
    if not sources:
        return  # OUTPUT is missing, which is reported later
    if target == "-" and as_json:
        raise MediaError("--json prints to standard output, where the video goes; leave it out.")
    if target == "-" and sys.stdout is not None and sys.stdout.isatty():
        raise MediaError(
            "Standard output is a terminal, which shows no video: redirect it (> FILE) or pipe it on."
        )
    if "-" in sources and can_ask():
        raise MediaError(
            "Standard input is a terminal, which sends no video: redirect it (< FILE) or pipe a video to it."
        )


def _suggests_a_picture(source: str, target: str) -> bool:
    """Whether the name of a video's output is that of one picture: x.png, but not frames/%05d.png."""
    is_video = Path(source).suffix.lower() in VIDEO_SUFFIXES
    return is_video and Path(target).suffix.lower() == ".png" and "%" not in target


def _check_job(encoding: "Encoding", job: "Job") -> None:
    from ..media import check_sink

    check_sink(job.target, encoding)


def _decoding(options: VideoOptions) -> "Decoding":
    """How to read the videos, at a detail that the style can be drawn at."""
    from ..run.job import prepare_decoding

    notices: list[str] = []
    decoding = prepare_decoding(
        options.decoding.build(options.size), options.look.build(), options.network.style, notices
    )
    print_notices(notices)
    return decoding


def _convert_here(
    load: Load,
    options: VideoOptions,
    look: "Look",
    decoding: "Decoding",
    job: "Job",
    progress: Progress,
    *,
    overwrite: bool,
) -> "Report":
    """Convert one video on this machine."""
    from ..media import open_sink, open_video, parse_location
    from ..run.job import written_size
    from ..run.report import Report

    with open_video(job.source, start=options.span.start, end=options.span.end, decoding=decoding) as source:
        size, encoding = written_size(source, look), options.encoding.build()
        sink = open_sink(job.target, source, encoding=encoding, overwrite=overwrite, size=size)
        backend = load()
        output = str(parse_location(job.target))
        report = Report(output, options.network.style, str(parse_location(job.source)))
        return convert(source, sink, backend, report, progress, look=look, **asdict(options.run))


def _convert_on(
    connect: "Callable[[], Cluster]",
    options: VideoOptions,
    job: "Job",
    progress: Progress,
    *,
    overwrite: bool,
) -> "Report":
    """Convert one video on a cluster."""
    from ..cluster.jobs import convert_job
    from ..cluster.video_job import VideoJob

    return convert_job(
        connect(), VideoJob(job.source, job.target, overwrite=overwrite, **options.job()), progress
    )


def _check_preview(files: FilesOptions, cluster: str | None) -> None:
    """Refuse options that a preview would ignore; those of the encoder may stay in the command."""
    options = {
        "--cluster": cluster, "--json": files.as_json, "--skip-existing": files.skip_existing,
        "--watch": files.watch,
    }  # fmt: skip
    given = [name for name, value in options.items() if value]
    if given:
        names = join_words(given, "and")
        raise MediaError(f"--preview writes one picture of one video, on this machine: leave {names} out.")


def _preview(paths: Sequence[str], options: VideoOptions, count: int, *, overwrite: bool) -> None:
    from ..run.preview import preview_video

    if len(paths) != 2:
        raise MediaError("--preview is for one video: name INPUT and the picture to write.")
    source, target = map(Path, paths)
    look, decoding = options.look.build(), _decoding(options)
    with (
        open_backend_once(options.network, options.onnx) as load,
        file_progress(str(target), count, "moments") as show_count,
    ):
        notices = preview_video(
            source, target, load, count=count, look=look, decoding=decoding, overwrite=overwrite,
            on_moment=show_count, **asdict(options.span),
        )  # fmt: skip
    print_notices(notices)
    print_message(escape(f"{target}: {count} moments{size_of(target)}"))
