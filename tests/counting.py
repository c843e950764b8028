"""How much work a network does."""

import torch


def multiplications(generator, height, width):
    """Multiply-accumulates of all convolutions, counted from the shapes that really pass through."""
    counted = []

    def count(layer, inputs, output):
        pixels = inputs[0] if isinstance(layer, torch.nn.ConvTranspose2d) else output
        counted.append(layer.weight.numel() * pixels.shape[2] * pixels.shape[3])

    for layer in generator.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    with torch.device("meta"):
        generator.to("meta")(torch.empty(1, 3, height, width))
    return sum(counted)
