"""A `Swift` network that computes in 8-bit integers, for training and for checking int8 files.

Weights are signed, with a scale for each output channel; values between layers are unsigned (Jacob et al.,
CVPR 2018). All sums share one grid, and all outputs of a ReLU another. Sums on one grid are exact: a block
rounds only the value that it adds. With a separate grid for each sum, sums were rounded once more, and the
error of drawings was half as large again.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .swift import Swift

Grid = tuple[float, int]
"""The value of one level, and the level of 0: scale and zero point."""

TRUNK: Grid = (1 / 56, 128)
"""The grid of the sums that blocks add to: -2.29 to 2.27; strong edges are clipped."""
INNER: Grid = (1 / 64, 0)
"""The grid of the values within blocks: 0 to 3.98."""
MAX_LEVEL = 127
"""The largest level of a weight; see `weight_scales`."""

# Shares of the trunk's largest value that are tried as the end of its grid: finer levels clip more.
_CLIPS = 1.0, 0.8, 0.7, 0.6, 0.5, 0.4


class Int8(nn.Module):
    """A Swift network that rounds where its int8 file does; gradients stop only where values are clipped."""

    def __init__(self, network: Swift) -> None:
        super().__init__()
        self.network, self.stride = network, network.stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same, but values may exceed the range a little."""
        network, order = self.network, interleaved(self.stride, x.device)
        patches = F.pixel_unshuffle(x, self.stride)
        head = network.head.weight[:, order]
        trunk = _round(_conv(patches[:, order], head, network.head.bias), TRUNK)
        for block in network.steps:
            inner = _round(_conv(trunk, block.conv1.weight, block.conv1.bias), INNER)
            step = _round(_conv(inner, block.conv2.weight, block.conv2.bias), TRUNK)
            trunk = _round(trunk + step, TRUNK)
        y = _conv(trunk, network.tail.weight, network.tail.bias) + network.gain * patches
        return F.pixel_shuffle(y, self.stride)


@torch.no_grad()
def fit_grids(network: Swift, pictures: Tensor) -> None:
    """Scale the values between the layers to the grids; the float output of the network stays the same.

    Try several scales, including the present one, and keep the one that brings the int8 output closest to the
    float output. `pictures` are (N, 3, H, W) in [-1, 1].
    """
    trunk, inner = _largest(network, pictures)
    ends = TRUNK[0] * TRUNK[1], INNER[0] * 255
    candidates = [copy.deepcopy(network) for _ in range(1 + len(_CLIPS))]
    for candidate, clip in zip(candidates[1:], _CLIPS, strict=True):
        _scale(candidate, ends[0] / (clip * trunk), [ends[1] / largest for largest in inner])
    exact = network(pictures)
    errors = [(Int8(candidate)(pictures) - exact).square().mean().item() for candidate in candidates]
    network.load_state_dict(candidates[errors.index(min(errors))].state_dict())


def weight_scales(weight: Tensor) -> Tensor:
    """Return the value of one level of the weights, (O, I, 3, 3) with even I, in each output channel.

    Older processors (AVX2 without VNNI) add the products of two neighbouring input channels in 16 bits, which
    hold 255 times 128. So the levels of two such weights of the same sign may add up to no more than that.
    """
    pairs = weight.detach().reshape(len(weight), -1, 2, *weight.shape[2:])
    sums = torch.maximum(pairs.clamp(min=0).sum(2), -pairs.clamp(max=0).sum(2))
    return sums.flatten(1).amax(1).clamp(min=1e-12) / MAX_LEVEL


def interleaved(stride: int, device: torch.device | None = None) -> Tensor:
    """Return the channels of PyTorch's pixel_unshuffle in the order in which pictures store a patch.

    PyTorch puts all red values first; in memory red, green and blue of each pixel are neighbours.
    """
    return torch.arange(3 * stride**2, device=device).reshape(3, stride**2).T.flatten()


def _round(x: Tensor, grid: Grid) -> Tensor:
    if x.device.type != "cpu":
        return round_to_levels(x, *grid, 0, 255)
    return torch.fake_quantize_per_tensor_affine(x, *grid, 0, 255)


def _conv(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    scales = weight_scales(weight)
    if weight.device.type != "cpu":
        rounded = round_to_levels(weight, scales[:, None, None, None], 0, -MAX_LEVEL, MAX_LEVEL)
    else:
        zeros = torch.zeros_like(scales, dtype=torch.int32)
        rounded = torch.fake_quantize_per_channel_affine(weight, scales, zeros, 0, -MAX_LEVEL, MAX_LEVEL)
    return F.conv2d(x, rounded, bias, padding=1)


def round_to_levels(x: Tensor, scale: float | Tensor, zero: int, lowest: int, highest: int) -> Tensor:
    """Round values to levels; gradients stop where values are clipped.

    On CPUs PyTorch's functions for it are faster. Apple's GPUs have none. On NVIDIA's, the one for channels
    waits for the GPU, and neither can be compiled together with what is around it.
    """
    levels = (x * (1 / scale)).round() + zero
    rounded = (levels.clamp(lowest, highest) - zero) * scale
    is_inside = (levels >= lowest) & (levels <= highest)
    return rounded.detach() + torch.where(is_inside, x - x.detach(), 0.0)


def _largest(network: Swift, pictures: Tensor) -> tuple[float, list[float]]:
    """Return the largest magnitude in the trunk, and the largest value within each block."""
    trunk = network.head(F.pixel_unshuffle(pictures, network.stride))
    magnitudes, inner_maxima = [trunk.abs().max()], []
    for block in network.steps:
        inner = torch.relu(block.conv1(trunk))
        step = block.conv2(inner)
        trunk = trunk + step
        magnitudes += [step.abs().max(), trunk.abs().max()]
        inner_maxima.append(max(1e-6, inner.max().item()))
    return max(1e-6, torch.stack(magnitudes).max().item()), inner_maxima


def _scale(network: Swift, trunk: float, inner: list[float]) -> None:
    """Multiply the values of the trunk and within each block, and divide the weights that read them."""
    _multiply(network.head, trunk, trunk)
    _multiply(network.tail, 1 / trunk, 1)
    for block, factor in zip(network.steps, inner, strict=True):
        _multiply(block.conv1, factor / trunk, factor)
        _multiply(block.conv2, trunk / factor, trunk)


def _multiply(layer: nn.Conv2d, weight: float, bias: float) -> None:
    layer.weight *= weight
    if layer.bias is not None:
        layer.bias *= bias
