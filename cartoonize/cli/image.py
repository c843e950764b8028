"""`cartoonize image`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ..styles import DEFAULT
from .console import tell
from .drawing import Bar, draw, opened_once
from .files import Rules, SkipExisting, Watch, draw_files
from .options import (
    AsJson,
    ChannelOrder,
    Compare,
    Debug,
    DetailName,
    Device,
    InputRange,
    KeepColour,
    MaxPixels,
    MaxSize,
    Overwrite,
    PrecisionName,
    Provider,
    Strength,
    Style,
)

if TYPE_CHECKING:
    from ..core.choices import Detail


def image(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="SRC... DST",
            help="Pictures, folders of pictures, patterns such as 'photos/**/*.jpg'; last, a file or a "
            "folder to write.",
        ),
    ],
    style: Style = DEFAULT,
    detail: DetailName = "normal",
    device: Device = "auto",
    precision: PrecisionName = "auto",
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
    strength: Strength = 1.0,
    keep_colour: KeepColour = False,
    compare: Compare = None,
    max_size: MaxSize = None,
    max_pixels: MaxPixels = None,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    watch: Watch = False,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Draw pictures. Orientation, colour profile, EXIF and transparency are kept.

    [bold]Examples[/bold]

      cartoonize image portrait.jpg cartoon.png

      cartoonize image *.jpg cartoons/

      cartoonize image photos/ cartoons/ --watch

      cartoonize image portrait.jpg both.png --compare side --strength 0.7
    """
    from ..effects.compositing import Retouch
    from ..effects.look import Look
    from ..media import Decoding, PictureSink, PictureSource
    from ..run.files import PICTURES, Job
    from ..run.job import Report, prepare_decoding

    look, told = Look(retouch=Retouch(strength, keep_colour, compare)), list[str]()
    asked = Decoding(max_pixels=max_pixels, max_size=max_size, detail=cast("Detail", detail))
    decoding = prepare_decoding(asked, look, style, told)
    reading: Any = {"max_pixels": max_pixels, "max_size": max_size, "detail": decoding.detail}
    tell(told)
    rules = Rules(skip_existing, overwrite, watch, as_json)
    with opened_once(style, device, precision, provider, input_range, channel_order) as load:

        def draw_picture(job: Job, bar: Bar) -> Report:
            with PictureSource([job.source], **reading) as source:
                backend = load()
                sink = PictureSink(job.target, source, overwrite=overwrite)
                return draw(source, sink, backend, Report(str(job.target), style), 1, bar, look=look)

        draw_files(paths, PICTURES, draw_picture, load, rules)
