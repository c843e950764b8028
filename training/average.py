"""One network from several of the same origin: the mean of their weights.

Networks that were trained on from the same one with different settings lie in one basin, and their mean is
often steadier than each (Wortsman et al., "Model soups", ICML 2022).
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from ..core.errors import TrainingError
from ..models.checkpoint import load_style, save_style
from ..styles import find_style


def average_styles(styles: Sequence[str], out: Path, *, overwrite: bool = False) -> None:
    """Write a style file of the mean weights; its card is the first one's.

    Args:
        styles: two or more built-in names, style files or run folders, of one architecture and size.
        out: the file to write.
        overwrite: replace what is there.

    Raises:
        ModelError: there is no such style, or its file is damaged.
        TrainingError: there is only one, or they are not of one architecture and size.
        MediaError: `out` exists already or cannot be written.
    """
    paths = [find_style(style) for style in styles]
    loaded = [load_style(path) for path in paths]
    kinds = {(header.architecture, tuple(sorted(header.config.items()))) for _, header in loaded}
    if len(loaded) < 2 or len(kinds) > 1:
        raise TrainingError("Name two styles or more to average, of one architecture and size.")
    mean, header = loaded[0]
    states = [generator.state_dict() for generator, _ in loaded]
    with torch.no_grad():
        for name, value in mean.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.stack([state[name] for state in states]).mean(0))
    save_style(out, mean, header.card, overwrite=overwrite, sources=paths)
