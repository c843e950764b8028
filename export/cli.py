"""`cartoonize export-onnx` and `export-tensorrt`: a style as a file for other runtimes."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import BackendError

app = typer.Typer()

Style = Annotated[
    str, typer.Argument(metavar="STYLE", help="A built-in style, a style file or a run folder.")
]


@app.command("export-onnx")
def export_onnx_command(
    style: Style,
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    precision: Annotated[
        str, typer.Option(help="fp32, or fp16 for half the size; norms are fp32 in both.")
    ] = "fp32",
    size: Annotated[
        str, typer.Option(metavar="WxH|dynamic", help="Pictures of one size only, or of any.")
    ] = "dynamic",
    batch: Annotated[
        str, typer.Option(metavar="N|dynamic", help="So many pictures a call only, or any number.")
    ] = "dynamic",
    opset: Annotated[int, typer.Option(help="Version of ONNX's operators, 18 to 23.")] = 18,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing file.")] = False,
) -> None:
    r"""Write a style as an ONNX file that is complete in itself: uint8 RGB pictures in and out, any size.

    Before the file takes its name it has to draw what PyTorch draws. Needs
    `pip install 'cartoonize\[export]'`; the file runs with `cartoonize video --style OUT.onnx`, and in any
    ONNX Runtime without this program.

    [bold]Examples[/bold]

      cartoonize export-onnx pepper pepper.onnx

      cartoonize export-onnx pepper pepper-720p.onnx --precision fp16 --size 1280x720 --batch 4
    """
    from .onnx import export_onnx

    number = None if batch == "dynamic" else _count(batch)
    wanted = None if size == "dynamic" else _size(size)
    chosen: Any = precision  # export_onnx says which there are
    found = export_onnx(
        style, out, precision=chosen, size=wanted, batch=number, opset=opset, overwrite=overwrite
    )
    typer.echo(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB). {found}", err=True)


@app.command("export-tensorrt")
def export_tensorrt_command(
    style: Style,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write.")],
    size: Annotated[
        list[str], typer.Option(metavar="WxH", help="Of the frames; give it once for each size.")
    ],
    precision: Annotated[str, typer.Option(help="fp16, bf16 or fp32; norms are fp32 in all.")] = "fp16",
    batch: Annotated[int, typer.Option(min=1, max=64, help="Frames a call.")] = 4,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace earlier engines.")] = False,
) -> None:
    r"""Build engines of TensorRT for the NVIDIA GPU of this machine, one for each size of frames.

    Needs `pip install 'cartoonize\[export,tensorrt]'` and the GPU that will run them. Before the folder takes
    its name, the engines have to draw what PyTorch draws.

    [bold]Example[/bold]

      cartoonize export-tensorrt pepper engines/ --size 1280x720 --size 1920x1080
    """
    from .tensorrt import export_tensorrt

    sizes = [_size(text) for text in size]
    chosen: Any = precision  # export_tensorrt says which there are
    found = export_tensorrt(style, folder, sizes, precision=chosen, batch=batch, overwrite=overwrite)
    for text, parity in zip(size, found, strict=True):
        typer.echo(f"{text}: {parity}", err=True)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not match:
        raise BackendError(f"{text!r} is no size; write WIDTHxHEIGHT, as in 1280x720.")
    return int(match[1]), int(match[2])


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,2}", text):
        raise BackendError(f"{text!r} is no batch; write a number from 1 to 999, or dynamic.")
    return int(text)
