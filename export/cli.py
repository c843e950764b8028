"""`cartoonize export-onnx`: a style as a file for other runtimes."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("export-onnx")
def export_onnx_command(
    style: Annotated[str, typer.Argument(metavar="STYLE", help="A built-in style or a style file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing file.")] = False,
) -> None:
    r"""Write a style as an ONNX file that is complete in itself: uint8 RGB pictures in and out, any size.

    Needs `pip install 'cartoonize\[export]'`. The file runs with `cartoonize video --style OUT.onnx`, and in
    any ONNX Runtime without this program.

    Example: cartoonize export-onnx pepper pepper.onnx
    """
    from .onnx import export_onnx

    export_onnx(style, out, overwrite=overwrite)
    typer.echo(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB).", err=True)
