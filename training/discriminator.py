"""Patch discriminators: is this a drawing by the artist?"""

from torch import Tensor, nn

from ..models.blocks import NORMS, NormName, conv
from .recipe import Recipe
from .trainer import initialise


class Discriminator(nn.Sequential):
    """(N, 3, H, W) in [-1, 1] -> (N, 1, H/4, W/4) logits, one for each patch (Chen et al., CVPR 2018).

    `width` is the number of base filters (32 in the paper).
    """

    def __init__(self, width: int = 32, norm: NormName = "batch") -> None:
        w, make_norm = width, NORMS[norm]
        super().__init__(
            conv(3, w), _leaky(),
            conv(w, 2 * w, stride=2), _leaky(), conv(2 * w, 4 * w), make_norm(4 * w), _leaky(),
            conv(4 * w, 4 * w, stride=2), _leaky(), conv(4 * w, 8 * w), make_norm(8 * w), _leaky(),
            conv(8 * w, 8 * w), make_norm(8 * w), _leaky(),
            conv(8 * w, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 1, H/4, W/4) logits."""
        return super().forward(x)  # type: ignore[no-any-return,no-untyped-call]


class SmallDiscriminator(nn.Sequential):
    """The same without norms and at 1/18 of the cost: two strided convolutions come first.

    A patch is 26 pixels wide: enough to judge lines and fills, too little for content. Use it with spectral
    norm.
    """

    def __init__(self, width: int = 32) -> None:
        w = width
        super().__init__(
            nn.Conv2d(3, w, 4, 2, 1), _leaky(), nn.Conv2d(w, 2 * w, 4, 2, 1), _leaky(),
            conv(2 * w, 2 * w), _leaky(),
            conv(2 * w, 1),
        )  # fmt: skip


def build_discriminator(recipe: Recipe) -> nn.Module:
    """A new network; `spectral_norm` keeps every convolution's largest singular value at 1
    (Miyato et al., ICLR 2018).
    """
    width = recipe.discriminator_width
    small = recipe.discriminator == "small"
    network = SmallDiscriminator(width) if small else Discriminator(width, recipe.norm)
    initialise(network, recipe.init_std)
    if recipe.spectral_norm:
        for module in [module for module in network.modules() if isinstance(module, nn.Conv2d)]:
            nn.utils.parametrizations.spectral_norm(module)
    return network


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.2)
