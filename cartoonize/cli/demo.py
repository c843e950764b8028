"""`cartoonize demo`."""

from pathlib import Path
from typing import Annotated

import typer

from ..core.atomic import check_target
from ..core.errors import MediaError
from ..styles import DEFAULT
from .console import finish, plain, say
from .drawing import draw, open_backend
from .options import Debug, Device, Overwrite, Style


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the demo.")] = Path("cartoonize-demo"),
    style: Style = DEFAULT,
    device: Device = "auto",
    overwrite: Overwrite = False,
    _debug: Debug = False,
) -> None:
    """Make a short clip with sound from free photos, and draw it and one of the photos.

    [bold]Examples[/bold]

      cartoonize demo

      cartoonize demo try/ --style ink
    """
    from ..core.draw_size import resolve_detail
    from ..media import Decoding, open_sink, open_source
    from ..run.job import Report
    from ..tools.demo import PHOTO_CREDITS, make_demo_clip, make_demo_photo

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"Cannot make the folder {folder}: {error.strerror}.") from error
    clip, photo = folder / "clip.mp4", folder / "photo.png"
    for made in (clip, photo):
        for path in (made, _drawn(made)):
            check_target(path, overwrite=overwrite)
    make_demo_clip(clip)
    make_demo_photo(photo)
    with open_backend(style, device, "auto") as backend:
        for made in (clip, photo):
            drawn = _drawn(made)
            report = Report(str(drawn), style)
            decoding = Decoding(detail=resolve_detail("normal", style, report.notices))
            with open_source(made, decoding=decoding) as source:
                sink = open_sink(drawn, source, overwrite=True)
                draw(source, sink, backend, report, None)
                finish(report, as_json=False)
    say(PHOTO_CREDITS)
    say(f"\nLook at them side by side in {plain(str(folder))}/:")
    say("  clip.mp4   clip-cartoon.mp4\n  photo.png  photo-cartoon.png")


def _drawn(made: Path) -> Path:
    return made.with_name(f"{made.stem}-cartoon{made.suffix}")
