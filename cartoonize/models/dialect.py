"""The names of an architecture's tensors, in this program and in others."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LayerNames:
    """The layers by which a network can be recognised.

    Attributes:
        first: the convolution that reads the picture; the number of its outputs is `width`.
        last: the convolution that writes the picture.
        blocks: the sequence of the blocks, whose number is `blocks`.
    """

    first: str
    last: str
    blocks: str = "residuals"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How other programs name the tensors of an architecture.

    Attributes:
        title: the name of such files for people.
        names: our name of each tensor -> theirs, for the published number of blocks; empty if they are the
            same.
        bgr: the network reads and writes blue, green and red; swapping the channels of the first and the last
            convolution makes it one of ours.
    """

    title: str
    names: Mapping[str, str] = field(default_factory=dict)
    bgr: bool = False

    def name_of(self, name: str) -> str:
        """Return their name of a tensor of ours."""
        return self.names.get(name, name)


def tensor_names(layers: Mapping[str, str], *, weight: str = "weight", bias: str = "bias") -> dict[str, str]:
    """Return our names of tensors -> theirs, for layers that are given as ours -> theirs.

    Args:
        layers: names of layers; names of a bias that a layer does not have do no harm.
        weight: what they call the weight of a layer.
        bias: what they call its bias.
    """
    names = {f"{own}.weight": f"{other}.{weight}" for own, other in layers.items()}
    return names | {f"{own}.bias": f"{other}.{bias}" for own, other in layers.items()}
