"""`cartoonize export-onnx` and `import-weights`: styles for other runtimes, and styles from elsewhere."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..errors import ModelError
from ..pending import PendingFile
from ..styles.card import UNKNOWN

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


@app.command("import-weights")
def import_weights_command(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Weights: .pth, .pt, .safetensors, or a training checkpoint."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The style file to write.")],
    architecture: Annotated[
        str | None,
        typer.Option(
            help="animegan2, cartoongan, cartoongan_blur or swift.", show_default="found by the keys"
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Of the weights, for the style's card.", show_default="asked for")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Whose they are, and where from.", show_default="asked for")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing file.")] = False,
) -> None:
    """Make a style file of weights that you have: CartoonGAN's, AnimeGANv2's for PyTorch, or a checkpoint.

    What is in the file is found out by the names and shapes of its tensors. Nothing in it is run.

    [bold]Examples[/bold]

      cartoonize import-weights Hayao_net_G_float.pth hayao.safetensors

      cartoonize import-weights face_paint.pt paint.safetensors --licence MIT --source https://example.org/paint
    """
    from .convert import recognise, write_style

    if out.suffix.lower() != ".safetensors":
        raise ModelError(f"{out} has to end in .safetensors, as style files do.")
    PendingFile(out, overwrite=overwrite)  # refuses now what could not be written in the end
    found = recognise(file, architecture)
    typer.echo(f"{file} holds {found.description}.", err=True)
    card = replace(
        found.card,
        name=found.card.name or out.stem,
        licence=licence or _known(found.card.licence, "Under which licence are these weights?"),
        credit=source or _known(found.card.credit, "Whose are they, and where are they from?"),
    )
    write_style(out, found, card, overwrite=overwrite)
    typer.echo(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB). Licence: {card.licence}.", err=True)


def _known(stated: str, question: str) -> str:
    """What the file states, or whoever sits at the terminal; "unknown" where nobody does."""
    if stated != UNKNOWN or not sys.stdin.isatty():
        return stated
    typer.echo(f"{question} (Enter: unknown) ", err=True, nl=False)
    return sys.stdin.readline().strip() or UNKNOWN
