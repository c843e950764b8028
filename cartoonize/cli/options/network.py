"""Which network draws, and what it runs on."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.choices import ChannelOrder, InputRange, Precision, ProviderName
from ...styles import DEFAULT
from .. import completion
from ..values import check_device_name, check_style
from .panels import ONNX

if TYPE_CHECKING:
    from ...backends import RuntimeOptions

Style = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="A style by name (see `cartoonize styles`), a style file or a run folder.",
        autocompletion=completion.style_names,
    ),
]

Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:N, mps, xpu, vulkan or vulkan:N; or nvidia, amd, intel or apple. The "
        "command fails if that device is missing.",
        autocompletion=completion.devices,
        callback=check_device_name,
    ),
]

OnCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="auto|ADDRESS",
        help="Convert on a Ray cluster; auto is the one that runs on this machine, or else this machine "
        "alone.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """Which network draws, and what it runs on."""

    style: Style = DEFAULT
    device: Device = "auto"
    precision: Annotated[
        Precision,
        typer.Option(metavar="BITS", help="auto, fp32, bf16, fp16 or int8; auto is the fastest on DEVICE."),
    ] = "auto"

    def __post_init__(self) -> None:
        check_style(self.style)  # before a command opens a source or a camera


@dataclass(frozen=True, slots=True)
class OnnxFileOptions:
    """How an .onnx file is run, by the names of backends.RuntimeOptions. Our own files need none of it."""

    provider: Annotated[
        ProviderName,
        typer.Option(
            metavar="NAME",
            help="auto, tensorrt, cuda, coreml, directml or cpu. The command fails if that is missing.",
            rich_help_panel=ONNX,
        ),
    ] = "auto"
    input_range: Annotated[
        InputRange,
        typer.Option(
            metavar="RANGE",
            help="Of the values in pictures: -1..1, 0..1, 0..255, or auto, by a trial.",
            rich_help_panel=ONNX,
        ),
    ] = "auto"
    channel_order: Annotated[
        ChannelOrder, typer.Option(metavar="ORDER", help="Of the colours: rgb or bgr.", rich_help_panel=ONNX)
    ] = "rgb"

    def build(self) -> "RuntimeOptions":
        from ...backends import RuntimeOptions

        return RuntimeOptions(**asdict(self))
