"""What a `Swift` network draws when it computes in 8-bit integers, for training and for checking int8 files.

Weights are signed, with a scale for each output channel; values between layers are unsigned (Jacob et al.,
CVPR 2018), on one grid for all that is added up and one for what a ReLU has passed. Sums on one grid are
exact: a block rounds what it adds and nothing else. With a grid for each place, sums were rounded once
more, and drawings half as far off again.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .swift import Swift

Grid = tuple[float, int]
"""What one level stands for, and the level of 0."""

# -2.29 to 2.27, for what blocks add to, of which strong edges are cut off; 0 to 3.98 for what is within them.
TRUNK: Grid = (1 / 56, 128)
INNER: Grid = (1 / 64, 0)
LARGEST = 127  # levels of a weight; see `weight_scales`

# Shares of the trunk's largest value that are tried as the end of its grid. Finer levels cut off more.
_CLIPS = 1.0, 0.8, 0.7, 0.6, 0.5, 0.4


class Int8(nn.Module):
    """A Swift network that rounds where its int8 file does; gradients pass but for what is cut off."""

    def __init__(self, network: Swift) -> None:
        super().__init__()
        self.network, self.stride = network, network.stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same, but values may pass the range a little."""
        network, order = self.network, interleaved(self.stride)
        patches = F.pixel_unshuffle(x, self.stride)
        head = network.head.weight[:, order]
        trunk = _rounded(_conv(patches[:, order], head, network.head.bias), TRUNK)
        for block in network.steps:
            inner = _rounded(_conv(trunk, block.conv1.weight, block.conv1.bias), INNER)
            step = _rounded(_conv(inner, block.conv2.weight, block.conv2.bias), TRUNK)
            trunk = _rounded(trunk + step, TRUNK)
        y = _conv(trunk, network.tail.weight, network.tail.bias) + network.gain * patches
        return F.pixel_shuffle(y, self.stride)


@torch.no_grad()
def fit_grids(network: Swift, pictures: Tensor) -> None:
    """Scale the values between the layers to the grids; what the network draws in floats stays as it is.

    Of the scale that they have and several others that one is taken by which the pictures, (N, 3, H, W) in
    [-1, 1], are drawn most as in floats.
    """
    trunk, inner = _largest(network, pictures)
    ends = TRUNK[0] * TRUNK[1], INNER[0] * 255
    candidates = [copy.deepcopy(network) for _ in range(1 + len(_CLIPS))]
    for candidate, clip in zip(candidates[1:], _CLIPS, strict=True):
        _scale(candidate, ends[0] / (clip * trunk), [ends[1] / largest for largest in inner])
    wanted = network(pictures)
    apart = [(Int8(candidate)(pictures) - wanted).square().mean().item() for candidate in candidates]
    network.load_state_dict(candidates[apart.index(min(apart))].state_dict())


def weight_scales(weight: Tensor) -> Tensor:
    """What one level of the weights, (O, I, 3, 3) with even I, stands for in each output channel.

    Older processors (AVX2 without VNNI) add the products of two neighbouring input channels in 16 bits, which
    hold 255 times 128: so many levels two weights of the same sign may have together.
    """
    pairs = weight.detach().reshape(len(weight), -1, 2, *weight.shape[2:])
    together = torch.maximum(pairs.clamp(min=0).sum(2), -pairs.clamp(max=0).sum(2))
    return together.flatten(1).amax(1).clamp(min=1e-12) / LARGEST


def interleaved(stride: int) -> Tensor:
    """Where PyTorch's pixel_unshuffle has the values of a patch in the order in which pictures are stored.

    PyTorch has all red ones first; in memory the red, green and blue of each pixel lie together.
    """
    return torch.arange(3 * stride**2).reshape(3, stride**2).T.flatten()


def _rounded(x: Tensor, grid: Grid) -> Tensor:
    return torch.fake_quantize_per_tensor_affine(x, *grid, 0, 255)


def _conv(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    scales = weight_scales(weight)
    zeros = torch.zeros_like(scales, dtype=torch.int32)
    rounded = torch.fake_quantize_per_channel_affine(weight, scales, zeros, 0, -LARGEST, LARGEST)
    return F.conv2d(x, rounded, bias, padding=1)


def _largest(network: Swift, pictures: Tensor) -> tuple[float, list[float]]:
    """The largest magnitude of all that is added up, and the largest value within each block."""
    trunk = network.head(F.pixel_unshuffle(pictures, network.stride))
    most, inner = [trunk.abs().max()], []
    for block in network.steps:
        within = torch.relu(block.conv1(trunk))
        step = block.conv2(within)
        trunk = trunk + step
        most += [step.abs().max(), trunk.abs().max()]
        inner.append(max(1e-6, within.max().item()))
    return max(1e-6, torch.stack(most).max().item()), inner


def _scale(network: Swift, trunk: float, inner: list[float]) -> None:
    """Multiply what is added up, and what is within each block, and divide the weights that read it."""
    _multiply(network.head, trunk, trunk)
    _multiply(network.tail, 1 / trunk, 1)
    for block, factor in zip(network.steps, inner, strict=True):
        _multiply(block.conv1, factor / trunk, factor)
        _multiply(block.conv2, trunk / factor, trunk)


def _multiply(layer: nn.Conv2d, weight: float, bias: float) -> None:
    layer.weight *= weight
    if layer.bias is not None:
        layer.bias *= bias
