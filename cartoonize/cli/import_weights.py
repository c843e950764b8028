"""`cartoonize import-weights`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..core.atomic import check_target
from ..core.errors import ModelError
from ..models import NAMES
from ..styles.card import UNKNOWN
from .completion import models
from .console import ask, can_ask, escape, print_message
from .options import Overwrite
from .quantities import format_size


def import_weights(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Weights: .pth, .pt, .safetensors, or a training checkpoint."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The style file to write.")],
    architecture: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(NAMES[:-1])} or {NAMES[-1]}.",
            show_default="recognised by the keys",
            autocompletion=models,
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(help="Licence of the weights, for the style's card.", show_default="asked for"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Whose weights they are, and where they are from.", show_default="asked for"),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make a style file from weights that you have: CartoonGAN's, AnimeGANv2's for PyTorch, or a checkpoint.

    The network is recognised by the names and shapes of the tensors. No code in
    the file is run.

    Examples:
      cartoonize import-weights Hayao_net_G_float.pth hayao.safetensors
      cartoonize import-weights paint.pt paint.safetensors --licence MIT
    """
    from ..core.messages import is_special_file, missing_file_message
    from ..export.checks import check_architecture, check_suffix

    check_architecture(architecture)
    check_suffix(out, ".safetensors")
    check_target(out, overwrite=overwrite, sources=[file])
    if not file.exists() or is_special_file(file):
        raise ModelError(missing_file_message(file))

    from ..export.convert import recognise_network, write_style  # imports PyTorch

    network = recognise_network(file, architecture)
    print_message(escape(f"{file} holds {network.description}."))
    card = replace(
        network.card,
        name=network.card.name or out.stem,
        licence=licence or _ask_if_unknown(network.card.licence, "Under which licence are these weights?"),
        credit=source or _ask_if_unknown(network.card.credit, "Whose are they, and where are they from?"),
    )
    write_style(out, network, card, overwrite=overwrite)
    print_message(escape(f"Wrote {out} ({format_size(out.stat().st_size)}). Licence: {card.licence}."))


def _ask_if_unknown(stated: str, question: str) -> str:
    """Return what the file states, or the user's answer on a terminal; "unknown" elsewhere."""
    if stated != UNKNOWN or not can_ask():
        return stated
    return ask(f"{question} (Enter: unknown)") or UNKNOWN
