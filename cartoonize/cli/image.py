"""`cartoonize image`."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import MediaError
from .console import print_notices
from .convert import Load, Progress, convert, open_backend_once
from .files import convert_files
from .options import FilesOptions, LookOptions, MaxPixels, NetworkOptions, OnnxFileOptions, SizeOptions

if TYPE_CHECKING:
    from ..effects.look import Look
    from ..run.file_jobs import Job
    from ..run.report import Report


def image(
    *,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help="Pictures, folders of pictures or patterns such as 'photos/**/*.jpg'. Last, the file or "
            "folder to write.",
        ),
    ],
    network: NetworkOptions,
    size: SizeOptions,
    look: LookOptions,
    files: FilesOptions,
    max_pixels: MaxPixels = None,
    onnx: OnnxFileOptions,
) -> None:
    """Convert pictures into cartoons. Orientation, colour profile, EXIF and transparency are kept.

    Examples:
      cartoonize image portrait.jpg cartoon.png
      cartoonize image *.jpg cartoons/
      cartoonize image photos/ cartoons/ --watch
      cartoonize image portrait.jpg both.png --compare side --strength 0.7
    """
    from ..media import Decoding
    from ..run.job import prepare_decoding
    from ..run.plan import PICTURES

    if "-" in paths:
        raise MediaError(
            "Pictures are read from files and written to files; only `cartoonize video` takes -."
        )
    effects, notices = look.build(), list[str]()
    decoding = Decoding(max_pixels=max_pixels, **asdict(size))
    detail = prepare_decoding(decoding, effects, network.style, notices).detail
    print_notices(notices)
    reading = {"max_pixels": max_pixels, "max_size": size.max_size, "detail": detail}
    with open_backend_once(network, onnx) as load:
        run = partial(_convert, load, network.style, reading, effects, overwrite=files.overwrite)
        convert_files(paths, PICTURES, run, files, style=network.style, load=load)


def _convert(
    load: Load,
    style: str,
    reading: dict[str, Any],
    look: "Look",
    job: "Job",
    progress: Progress,
    *,
    overwrite: bool,
) -> "Report":
    from ..media import PictureSink, PictureSource
    from ..run.report import Report

    with PictureSource([job.source], **reading) as source:
        sink = PictureSink(job.target, source, overwrite=overwrite)
        return convert(
            source,
            sink,
            load(),
            Report(str(job.target), style, str(job.source)),
            progress,
            batch=1,
            look=look,
        )
