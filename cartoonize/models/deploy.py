"""From the network that was trained to the one that draws: norms folded, convolutions in their precision."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .generator import FrameModel, Generator

Convolution = nn.Conv2d | nn.ConvTranspose2d


def deploy(generator: Generator, dtype: torch.dtype = torch.float32) -> FrameModel:
    """A FrameModel whose convolutions compute in `dtype`; other norms than batch norm stay in float32.

    The generator, which has to be in eval mode, is changed in place and is good for drawing only.
    """
    _fold_norms(generator)
    for module in generator.modules():
        if isinstance(module, Convolution):
            module.to(dtype)
    return FrameModel(generator, dtype)


def _fold_norms(network: nn.Module) -> None:
    """Multiply each batch norm into the convolution before it, which saves reading the picture once more.

    Networks define their layers in the order in which they run.
    """
    for module in network.modules():
        for (name, conv), (following, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, Convolution) and isinstance(norm, nn.BatchNorm2d):
                transposed = isinstance(conv, nn.ConvTranspose2d)
                setattr(module, name, fuse_conv_bn_eval(conv, norm, transposed))
                setattr(module, following, nn.Identity())
