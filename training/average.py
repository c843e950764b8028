"""Averaging the weights of several networks into one.

Networks that were fine-tuned from the same one with different settings lie in one basin, and their mean is
often better than each (Wortsman et al., "Model soups", ICML 2022).
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from ..core.errors import TrainingError
from ..models.checkpoint import load_style, save_style
from ..styles import find_style


def average_styles(styles: Sequence[str], out: Path, *, overwrite: bool = False) -> None:
    """Write a style file of the mean weights, with the card of the first style.

    Args:
        styles: two or more built-in names, style files or run folders, of the same architecture and size.
        out: the file to write.
        overwrite: replace an existing file.

    Raises:
        ModelError: a style does not exist, or its file is damaged.
        TrainingError: fewer than two styles, or different architectures or sizes.
        MediaError: `out` exists or cannot be written.
    """
    paths = [find_style(style) for style in styles]
    loaded = [load_style(path) for path in paths]
    architectures = {(header.architecture, tuple(sorted(header.config.items()))) for _, header in loaded}
    if len(loaded) < 2 or len(architectures) > 1:
        raise TrainingError("Name two or more styles of the same architecture and size to average.")
    mean, header = loaded[0]
    states = [generator.state_dict() for generator, _ in loaded]
    with torch.no_grad():
        for name, value in mean.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.stack([state[name] for state in states]).mean(0))
    save_style(out, mean, header.card, overwrite=overwrite, sources=paths)
