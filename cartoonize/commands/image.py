"""`cartoonize image`."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import finish
from ..errors import MediaError
from ..options import (
    AsJson,
    ChannelOrder,
    Device,
    InputRange,
    MaxPixels,
    Overwrite,
    PrecisionName,
    Provider,
    Style,
)
from ..styles import DEFAULT
from .drawing import draw, open_backend


def image(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="SRC... DST", help="Pictures or folders of pictures; last, a file or a folder to write."
        ),
    ],
    style: Style = DEFAULT,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    provider: Provider = "auto",
    input_range: InputRange = "auto",
    channel_order: ChannelOrder = "rgb",
    max_pixels: MaxPixels = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Draw pictures. Orientation, colour profile, EXIF and transparency are kept.

    [bold]Examples[/bold]

      cartoonize image portrait.jpg cartoon.png

      cartoonize image *.jpg cartoons/
    """
    from ..job import Report
    from ..media import PictureSink, PictureSource

    if len(paths) < 2:
        raise MediaError("Name at least one picture and, last, the file or folder to write.")
    *sources, dst = paths
    with PictureSource(sources, max_pixels=max_pixels) as source:
        backend = open_backend(style, device, precision, provider, input_range, channel_order)
        sink = PictureSink(dst, source, overwrite=overwrite)
        finish(draw(source, sink, backend, Report(str(dst), style), 1), as_json)
