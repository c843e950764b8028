"""`cartoonize demo`."""

from pathlib import Path
from typing import Annotated

import typer

from ..core.atomic import check_target
from ..core.errors import MediaError, WriteError
from ..styles import DEFAULT
from .console import escape, print_message, print_report
from .convert import convert, open_backend
from .options import Debug, Device, NetworkOptions, Overwrite, Quiet, Style


def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write to.")] = Path(
        "cartoonize-demo"
    ),
    style: Style = DEFAULT,
    device: Device = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,  # noqa: ARG001  # its callback has done all
    debug: Debug = False,  # noqa: ARG001  # as above
) -> None:
    """Convert a short clip with sound and a photo, to try cartoonize. Both are made from free photos.

    Examples:
      cartoonize demo
      cartoonize demo try/ --style ink
    """
    from ..core.draw_size import resolve_detail
    from ..media import Decoding, open_sink, open_source
    from ..run.report import Report
    from ..tools.demo import PHOTO_CREDITS, make_demo_clip, make_demo_photo

    if folder.is_file():
        raise MediaError(
            f"{folder} is a file; `demo` converts its own clip. To convert yours: "
            f"`cartoonize video {folder} cartoon.mp4`, or `cartoonize image {folder} cartoon.png`."
        )
    network = NetworkOptions(style, device)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError.from_os_error(folder, error) from error
    clip, photo = folder / "clip.mp4", folder / "photo.png"
    for original in (clip, photo):
        for path in (original, _cartoon_of(original)):
            check_target(path, overwrite=overwrite)
    with open_backend(network) as backend:  # before anything is written, as it may fail
        make_demo_clip(clip)
        make_demo_photo(photo)
        for path in (clip, photo):
            target = _cartoon_of(path)
            report = Report(str(target), style)
            decoding = Decoding(detail=resolve_detail("normal", style, report.notices))
            with open_source(path, decoding=decoding) as source:
                sink = open_sink(target, source, overwrite=True)
                convert(source, sink, backend, report)
                print_report(report, as_json=False)
    print_message(PHOTO_CREDITS)
    print_message(f"\nCompare them in {escape(str(folder))}/:")
    print_message("  clip.mp4   clip-cartoon.mp4\n  photo.png  photo-cartoon.png")
    print_message("\nThen convert your own video:\n  cartoonize video holiday.mp4 cartoon.mp4")


def _cartoon_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}-cartoon{path.suffix}")
