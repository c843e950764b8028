"""What a network costs: its multiplications, counted on shapes alone."""

import copy

import torch
from torch import Tensor, nn

from .generator import Generator


def multiplications(generator: Generator, height: int, width: int) -> int:
    """Multiply-accumulates of all convolutions for one picture; a FLOP count is twice that.

    Counted from the shapes that really pass through, on the meta device, where nothing is computed.
    """
    counted: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        pixels = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        counted.append(weight.numel() * pixels.shape[2] * pixels.shape[3])

    meta = copy.deepcopy(generator).to("meta", torch.float32)
    for layer in meta.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    stride = generator.stride
    with torch.no_grad():
        meta(torch.empty(1, 3, -(-height // stride) * stride, -(-width // stride) * stride, device="meta"))
    return sum(counted)
