"""Collects the layers and weights of a network for ncnn, one method for each kind of layer."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...core.errors import BackendError
from .check import FP16, FP32
from .graph import INPUT, Layer, Value
from .layers import ADD, BILINEAR, LEAKY_RELU, REFLECT, RELU

_CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise", "Deconvolution")
_ACTIVATION, _SLOPE = 9, 10  # ncnn's numbers of these parameters


class LayerWriter:
    """Each method adds a layer that reads the named blobs, and returns the name of its output."""

    def __init__(self, *, half: bool) -> None:
        """Store the weights of convolutions in float16 if `half`."""
        self._layers = [Layer("Input", "input", (), (INPUT,), {})]
        self._weights: list[bytes] = []
        self._half = half

    def finish(self) -> tuple[tuple[Layer, ...], bytes]:
        """Return all layers, with activations in the convolutions before them, and all weights."""
        return tuple(_split(_fuse_activations(self._layers))), b"".join(self._weights)

    def convolve(self, blob: str, module: nn.Conv2d | nn.ConvTranspose2d) -> str:
        """Add a convolution, with a layer before it that reflects the border if it pads so."""
        pad, weight = _checked_padding(module), module.weight
        parameters: dict[int, Value] = {
            0: module.out_channels, 1: module.kernel_size[0], 3: module.stride[0], 4: pad,
            5: int(module.bias is not None), 6: weight.numel(), _ACTIVATION: 0,
        }  # fmt: skip
        kind = "Convolution"
        if isinstance(module, nn.ConvTranspose2d):
            kind, weight = "Deconvolution", weight.transpose(0, 1)
            parameters |= {18: module.output_padding[1], 19: module.output_padding[0]}
        elif module.groups > 1:
            kind = "ConvolutionDepthWise"
            parameters[7] = module.groups
        if module.padding_mode == "reflect" and pad:
            blob, parameters[4] = self.reflect(blob, [pad] * 4), 0
        half = self._half and bool(weight.abs().max() < torch.finfo(torch.float16).max)
        self._weights.append((FP16 if half else FP32).to_bytes(4, "little"))
        self._weights.append(_aligned(weight.half() if half else weight))
        if module.bias is not None:
            self._weights.append(_aligned(module.bias))
        return self._add(kind, [blob], parameters)

    def instance_norm(self, blob: str, module: nn.GroupNorm) -> str:
        """Add an instance norm."""
        self._weights += [_aligned(module.weight), _aligned(module.bias)]
        return self._add("InstanceNorm", [blob], {0: module.num_channels, 1: module.eps, 2: 1})

    def layer_norm(self, blob: str, module: nn.GroupNorm) -> str:
        """Add a layer norm, as a group norm of one group."""
        self._weights += [_aligned(module.weight), _aligned(module.bias)]
        return self._add("GroupNorm", [blob], {0: 1, 1: module.num_channels, 2: module.eps, 3: 1})

    def scale(self, blob: str, factors: Tensor, offsets: Tensor) -> str:
        """Multiply each channel by a factor, and add an offset."""
        self._weights += [_aligned(factors), _aligned(offsets)]
        return self._add("Scale", [blob], {0: factors.numel(), 1: 1})

    def reflect(self, blob: str, sides: list[int]) -> str:
        """Reflect a blob by numbers of pixels at the left, right, top and bottom."""
        left, right, top, bottom = sides
        return self._add("Padding", [blob], {0: top, 1: bottom, 2: left, 3: right, 4: REFLECT})

    def relu(self, blob: str, slope: float = 0.0) -> str:
        """Add a ReLU, which is leaky with a slope."""
        return self._add("ReLU", [blob], {0: float(slope)})

    def tanh(self, blob: str) -> str:
        """Add a hyperbolic tangent."""
        return self._add("TanH", [blob], {})

    def clip(self, blob: str, low: float, high: float, output: str) -> str:
        """Limit the values of a blob, and name the result."""
        return self._add("Clip", [blob], {0: low, 1: high}, output)

    def sum(self, left: str, right: str) -> str:
        """Add two blobs."""
        return self._add("BinaryOp", [left, right], {0: ADD})

    def enlarge(self, blob: str, *, aligned: bool) -> str:
        """Enlarge a blob bilinearly to twice the size; `aligned` is PyTorch's align_corners."""
        return self._add("Interp", [blob], {0: BILINEAR, 1: 2.0, 2: 2.0, 6: int(aligned)})

    def unshuffle(self, blob: str, side: int) -> str:
        """Add PyTorch's pixel_unshuffle."""
        return self._add("Reorg", [blob], {0: side})

    def shuffle(self, blob: str, side: int) -> str:
        """Add PyTorch's pixel_shuffle."""
        return self._add("PixelShuffle", [blob], {0: side})

    def _add(self, kind: str, inputs: list[str], parameters: dict[int, Value], output: str = "") -> str:
        if not all(isinstance(name, str) for name in inputs):
            raise unknown_layer(f"{kind} with a constant")
        name = f"{kind.lower()}_{len(self._layers)}"
        self._layers.append(Layer(kind, name, tuple(inputs), (output or name,), parameters))
        return output or name


def unknown_layer(name: str) -> BackendError:
    """Return the error for a layer that has no counterpart here."""
    return BackendError(f"ncnn files cannot hold a layer of this network: {name}.")


def _checked_padding(module: nn.Conv2d | nn.ConvTranspose2d) -> int:
    """Return the padding of a convolution.

    Raises:
        BackendError: it is of a kind that is not written: not square, dilated, or padded in another way.
    """
    pad = module.padding[0]
    uniform = (module.kernel_size, module.stride, module.padding)
    grouped = isinstance(module, nn.ConvTranspose2d) and module.groups > 1
    square = all(isinstance(pair, tuple) and len(set(pair)) == 1 for pair in uniform)
    padded = module.padding_mode in ("zeros", "reflect") and isinstance(pad, int)
    if grouped or not square or not padded or set(module.dilation) != {1}:
        raise unknown_layer(str(module))
    return int(pad)


def _fuse_activations(layers: list[Layer]) -> list[Layer]:
    """Move each ReLU into the convolution before it, which saves reading and writing the blob once more."""
    readers = Counter(name for layer in layers for name in layer.inputs)
    fused: list[Layer] = []
    for layer in layers:
        before = fused[-1] if fused else None
        if (
            layer.kind == "ReLU"
            and before is not None
            and before.kind in _CONVOLUTIONS
            and layer.inputs == before.outputs
            and readers[layer.inputs[0]] == 1
        ):
            slope = layer.parameters[0]
            assert isinstance(slope, float)
            leaky: dict[int, Value] = {_ACTIVATION: LEAKY_RELU, _SLOPE: (slope,)}
            activation = leaky if slope else {_ACTIVATION: RELU}
            fused[-1] = replace(before, outputs=layer.outputs, parameters={**before.parameters, **activation})
        else:
            fused.append(layer)
    return fused


def _split(layers: list[Layer]) -> list[Layer]:
    """Add a Split after each blob that several layers read: in ncnn each blob has one reader."""
    readers = Counter(name for layer in layers for name in layer.inputs)
    copies = {
        name: [f"{name}_{number}" for number in range(count)] for name, count in readers.items() if count > 1
    }
    unread = {name: list(names) for name, names in copies.items()}
    result: list[Layer] = []
    for layer in layers:
        inputs = tuple(unread[name].pop(0) if name in unread else name for name in layer.inputs)
        result.append(replace(layer, inputs=inputs))
        result += [
            Layer("Split", f"split_{name}", (name,), tuple(copies[name]), {})
            for name in layer.outputs
            if name in copies
        ]
    return result


def _aligned(values: Tensor) -> bytes:
    """Return the bytes of a tensor, filled up to a multiple of four."""
    array: NDArray[Any] = np.ascontiguousarray(values.detach().cpu().numpy())
    data = array.tobytes()
    return data + bytes(-len(data) % 4)
