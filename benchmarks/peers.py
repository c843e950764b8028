"""A plain loop over a network, as other programs have it."""

import numpy as np
import torch
from torch import nn

from cartoonize.core.frames import Images


@torch.no_grad()
def plain_loop(network: nn.Module, images: Images) -> Images:
    """Run a network as scripts do: NCHW, float32, one picture at a time, one stage after the other."""
    outputs = []
    for image in images:
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        y = network(x)[0].clamp(-1, 1).permute(1, 2, 0)
        outputs.append(((y + 1) * 127.5).byte().numpy())
    return np.stack(outputs)
