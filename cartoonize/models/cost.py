"""The cost of a network: its multiplications, counted without computing anything."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from .generator import Generator


def multiplications(generator: Generator, height: int, width: int) -> int:
    """Return the multiply-accumulates of one picture in the convolutions; a FLOP count is twice that.

    A network of the same configuration runs on the meta device, where nothing is computed.
    """
    stride = generator.stride
    sides = (-(-side // stride) * stride for side in (height, width))
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        type(generator)(**generator.config).eval()(torch.empty(1, 3, *sides))
    return int(counter.get_total_flops()) // 2
