"""A frozen VGG, whose features compare the content of two pictures."""

from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn

from ..core.errors import ModelError, TrainingError
from ..core.messages import unknown_choice_message
from ..models.weights import NamedTensors, read_weights

CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}  # in each of the five blocks

# vgg16 up to the pooling after conv4_3, as in the study group's deck (recipes/deck.toml); vgg19 up to
# conv4_4, before its ReLU, as in CartoonGAN.
DEPTH = {"vgg16": 24, "vgg19": 26}

ADDRESS = {  # torchvision's ImageNet weights; the end of the name is the start of the file's SHA-256
    "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
}


class Features(nn.Module):
    """The first layers of a VGG (Simonyan & Zisserman, 2015): frozen, and always in eval mode.

    Its layers have torchvision's names, `features.0.weight` and so on.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: str) -> None:
        super().__init__()
        self.features = nn.Sequential(*_layers(CONVOLUTIONS[network])[: DEPTH[network]])
        # torchvision's networks expect RGB in [0, 1], normalised by these means and deviations.
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None], persistent=False)
        self.eval().requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> "Features":  # noqa: ARG002  # the signature of nn.Module
        """Stay in eval mode, whatever `mode` is."""
        return super().train(mode=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [-1, 1] -> (N, 512, H/16, W/16) of vgg16, (N, 512, H/8, W/8) of vgg19."""
        normalised = (x * 0.5 + 0.5 - self.mean) / self.std
        return self.features(normalised)  # type: ignore[no-any-return]


def load_features(network: str, path: Path | None) -> Features:
    """The features of "vgg16" or "vgg19", from a file or, without one, from torchvision's server.

    `path` is a safetensors file, or a .pth file as torchvision publishes them; it may hold more layers.
    Features of Caffe's weights are tens of times as large as those of torchvision's, and so is the content
    loss: choose its factor so that it starts at about 1.

    Raises:
        TrainingError: there is no such network, or its weights cannot be read or fetched, or they are those
            of another network.
    """
    if network not in DEPTH:
        raise TrainingError(unknown_choice_message("perceptual network", network, tuple(DEPTH)))
    tensors = _read(path) if path else _fetch(network)
    features = Features(network)
    expected = features.state_dict()
    misfits = [
        name for name, value in expected.items() if name not in tensors or tensors[name].shape != value.shape
    ]
    if misfits:
        raise TrainingError(
            f"{path or ADDRESS[network]} does not hold the first {DEPTH[network]} layers of {network}: "
            f"{misfits[0]} is missing or of another shape (--vgg chooses between vgg16 and vgg19)."
        )
    features.load_state_dict({name: tensors[name].float() for name in expected})
    return features


def _read(path: Path) -> NamedTensors:
    try:
        return read_weights(path)
    except ModelError as error:
        raise TrainingError(f"Cannot read the perceptual network: {error}") from error


def _fetch(network: str) -> dict[str, Tensor]:
    from torch.hub import load_state_dict_from_url

    try:
        return load_state_dict_from_url(
            ADDRESS[network], map_location="cpu", check_hash=True, weights_only=True
        )
    except (URLError, OSError, RuntimeError) as error:
        raise TrainingError(
            f"The weights of {network} cannot be fetched from {ADDRESS[network]} ({error}); pass "
            f"--features with a safetensors or .pth file that holds them."
        ) from error


def _layers(blocks: tuple[int, ...]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for block, count in enumerate(blocks):
        for _ in range(count):
            filters = min(512, 64 << block)
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return layers
