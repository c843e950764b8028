"""A small network of each architecture and norm."""

import torch

NETWORKS = [
    ("swift", {"width": 8, "blocks": 1}),
    ("cartoongan", {"width": 8, "blocks": 1}),
    ("cartoongan", {"width": 8, "blocks": 1, "norm": "instance"}),
    ("cartoongan_blur", {"width": 8, "blocks": 1}),
    ("animegan2", {"width": 8, "blocks": 1}),
]


def lively(lively_generator, architecture, config):
    """A generator whose norms have statistics, as a trained one's have."""
    generator = lively_generator(architecture, **config)
    for name, statistic in generator.named_buffers():
        if name.endswith(("mean", "var")):
            statistic.add_(torch.rand(statistic.shape, generator=torch.Generator().manual_seed(1)), alpha=0.3)
    return generator
