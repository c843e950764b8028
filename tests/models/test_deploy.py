"""The deployed network equals the trained one, with all folded layers."""

import pytest
import torch
from small_networks import NETWORKS
from torch import Tensor, nn

from cartoonize.models import FrameModel, Generator
from cartoonize.models.deploy import deploy


def norms_of(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def with_statistics(network):
    """Has norms as a trained network has them."""
    numbers = torch.Generator().manual_seed(1)
    for norm in norms_of(network):
        for value in (norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data):
            value.add_(torch.rand(value.shape, generator=numbers))
    return network.eval()


@pytest.mark.parametrize(("architecture", "config"), NETWORKS)
def test_folded_norms_change_nothing(lively_generator, architecture, config):
    """Every architecture draws the same picture, and no batch norm is left."""
    generator = with_statistics(lively_generator(architecture, **config))
    images = torch.randint(0, 256, (2, 40, 48, 3), dtype=torch.uint8)
    with torch.inference_mode():
        before = FrameModel(generator)(images)
        after = deploy(generator)(images)
    assert (before.int() - after.int()).abs().max() <= 1
    assert not norms_of(generator)


class Declared(Generator):
    """Layers that are declared in another order than they run."""

    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm_of_second = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.second, self.norm_of_first = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm_of_second(self.second(self.norm_of_first(self.first(x)).relu()))


class UsedTwice(Declared):
    """The output of a convolution is used beside its norm."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        return self.norm_of_first(y) + y


class Shared(Declared):
    """A convolution that runs twice, with a norm after one of its runs."""

    def forward(self, x: Tensor) -> Tensor:
        return self.first(self.norm_of_first(self.first(x)))


class Before(Declared):
    """A norm before the convolution, and one of the input."""

    def forward(self, x: Tensor) -> Tensor:
        return self.first(self.norm_of_first(x))


class Reshaped(Declared):
    """Something between convolution and norm."""

    def forward(self, x: Tensor) -> Tensor:
        return self.norm_of_first(self.first(x).relu())


class DependsOnValues(Declared):
    """A graph that is not the same for all pictures."""

    def forward(self, x: Tensor) -> Tensor:
        return self.norm_of_first(self.first(x)) if x.mean() > 0 else self.norm_of_second(self.first(x))


@pytest.mark.parametrize(
    ("kind", "left"),
    [(Declared, 0), (UsedTwice, 2), (Shared, 2), (Before, 2), (Reshaped, 2), (DependsOnValues, 2)],
)
def test_only_what_runs_in_a_row_is_folded(kind, left):
    """A norm is folded into the convolution that runs before it, not the one declared before it. Where
    that would change the drawing, it stays."""
    torch.manual_seed(0)
    network = with_statistics(kind())
    x = torch.rand(2, 3, 9, 9)
    with torch.inference_mode():
        before = network(x)
        deploy(network)
        assert torch.allclose(network(x), before, atol=1e-5)
    assert len(norms_of(network)) == left
