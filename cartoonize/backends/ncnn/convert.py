"""Converts a generator to a graph of ncnn and its weights.

The graph is complete but for padding and rounding: RGB values of 0 to 255 in, of sides that are multiples of
the network's stride, and the same out. Batch norm is folded into the convolutions.
"""

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional as F

from ...core.errors import BackendError
from ...models import Generator
from ...models.blocks import InstanceNorm, LayerNorm
from ...models.checkpoint import load_style
from ...models.cost import multiplications
from ...models.deploy import deploy
from ...version import __version__
from .check import FP16, FP32
from .graph import INPUT, OUTPUT, Graph, Layer, NcnnNetwork, Value
from .layers import ADD, BILINEAR, LEAKY_RELU, REFLECT, RELU

_CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise", "Deconvolution")
_ACTIVATION, _SLOPE = 9, 10  # ncnn's numbers of these parameters


def convert_style(path: Path, *, half: bool = False) -> NcnnNetwork:
    """Convert the network of a style file; as `convert`.

    Raises:
        ModelError: the file is damaged.
        BackendError: as `convert`.
    """
    generator, header = load_style(path)
    side = 8 * generator.stride
    metadata = {
        "architecture": header.architecture,
        "network": header.network,
        "style": header.card.name,
        "licence": header.card.licence,
        "credit": header.card.credit,
        "reach": str(generator.reach),
        "stride": str(generator.stride),
        "flop_per_pixel": str(2 * multiplications(generator, side, side) // side**2),
        "cartoonize": __version__,
    }
    return convert(generator, metadata, half=half)


def convert(generator: Generator, metadata: dict[str, str], *, half: bool = False) -> NcnnNetwork:
    """Convert a generator in eval mode; it is changed, and cannot be trained further.

    Args:
        generator: the network.
        metadata: texts for the file.
        half: store the weights of convolutions in float16.

    Raises:
        BackendError: a layer has no counterpart here.
    """
    deployed = deploy(generator).generator
    try:
        traced = _Tracer().trace(deployed)
    except (fx.proxy.TraceError, TypeError, ValueError) as error:  # what Python raises depends on the code
        raise BackendError(
            f"{type(generator).__name__} cannot be converted for ncnn: what it computes depends on the "
            f"picture ({error})."
        ) from error
    writer = _Writer(deployed, half=half)
    writer.write(traced)
    layers = _split(_fuse_activations(writer.layers))
    return NcnnNetwork(Graph(tuple(layers), metadata), b"".join(writer.weights))


class _Tracer(fx.Tracer):
    """Traces a network down to the layers that ncnn has."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.GroupNorm) or super().is_leaf_module(m, module_qualified_name)


class _Writer:
    """Collects the layers and weights of a traced network."""

    def __init__(self, network: nn.Module, *, half: bool) -> None:
        self.layers = [Layer("Input", "input", (), (INPUT,), {})]
        self.weights: list[bytes] = []
        self._network, self._half = network, half
        self._values: dict[fx.Node, Any] = {}  # names of blobs, and constants

    def write(self, traced: fx.Graph) -> None:
        """Add the layers from pictures to drawings."""
        for node in traced.nodes:
            if node.op == "placeholder":
                self._values[node] = self._scale(INPUT, torch.full((3,), 1 / 127.5), torch.full((3,), -1.0))
            elif node.op == "output":
                (result,) = node.args
                grey = torch.full((3,), 127.5)
                scaled = self._scale(self._values[result], grey, grey)
                self._add("Clip", [scaled], {0: 0.0, 1: 255.0}, OUTPUT)
            elif node.op == "get_attr":
                self._values[node] = operator.attrgetter(node.target)(self._network)
            elif node.op == "call_module":
                self._values[node] = self._module(self._network.get_submodule(node.target), node)
            else:
                self._values[node] = self._function(node)

    def _module(self, module: nn.Module, node: fx.Node) -> str:
        blob: str = self._values[node.args[0]]  # type: ignore[index]
        if isinstance(module, nn.Identity):
            return blob
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            return self._convolution(module, blob)
        if isinstance(module, InstanceNorm):
            return self._norm("InstanceNorm", module, blob, {0: module.num_channels, 1: module.eps, 2: 1})
        if isinstance(module, LayerNorm):
            return self._norm("GroupNorm", module, blob, {0: 1, 1: module.num_channels, 2: module.eps, 3: 1})
        if isinstance(module, nn.BatchNorm2d):
            return self._batch_norm(module, blob)
        if isinstance(module, nn.ReLU):
            return self._add("ReLU", [blob], {0: 0.0})
        raise _unknown(type(module).__name__)

    def _function(self, node: fx.Node) -> Any:
        """Add the layer of a function; functions of constants and shapes add none."""
        arguments: list[Any] = fx.node.map_arg(list(node.args), lambda arg: self._values.get(arg, arg))
        name = node.target if isinstance(node.target, str) else node.target.__name__
        if name in ("getattr", "to"):
            return arguments[0]  # `gain.to(x.dtype)`: everything is float32 here
        write = _FUNCTIONS.get(name)
        if write is None:
            raise _unknown(name)
        return write(self, arguments, node.kwargs)

    def _convolution(self, module: nn.Conv2d | nn.ConvTranspose2d, blob: str) -> str:
        (kernel, *_), (stride, *_), weight = module.kernel_size, module.stride, module.weight
        pad = int(module.padding[0])
        parameters: dict[int, Value] = {
            0: module.out_channels, 1: kernel, 3: stride, 4: pad, 5: int(module.bias is not None),
            6: weight.numel(), _ACTIVATION: 0,
        }  # fmt: skip
        kind = "Convolution"
        if isinstance(module, nn.ConvTranspose2d):
            kind, weight = "Deconvolution", weight.transpose(0, 1)
            parameters |= {18: module.output_padding[1], 19: module.output_padding[0]}
        elif module.groups > 1:
            kind = "ConvolutionDepthWise"
            parameters[7] = module.groups
        if module.padding_mode == "reflect" and pad:
            blob, parameters[4] = self.pad(blob, [pad] * 4), 0
        half = self._half and bool(weight.abs().max() < torch.finfo(torch.float16).max)
        self.weights.append((FP16 if half else FP32).to_bytes(4, "little"))
        self.weights.append(_aligned(weight.half() if half else weight))
        if module.bias is not None:
            self.weights.append(_aligned(module.bias))
        return self._add(kind, [blob], parameters)

    def _norm(self, kind: str, module: nn.GroupNorm, blob: str, parameters: dict[int, Value]) -> str:
        self.weights += [_aligned(module.weight), _aligned(module.bias)]
        return self._add(kind, [blob], parameters)

    def _batch_norm(self, module: nn.BatchNorm2d, blob: str) -> str:
        assert module.running_var is not None
        assert module.running_mean is not None
        scale = module.weight / (module.running_var + module.eps).sqrt()
        return self._scale(blob, scale, module.bias - scale * module.running_mean)

    def _scale(self, blob: str, factors: Tensor, offsets: Tensor) -> str:
        self.weights += [_aligned(factors), _aligned(offsets)]
        return self._add("Scale", [blob], {0: factors.numel(), 1: 1})

    def multiply(self, left: Any, right: Any) -> str:
        """Multiply a blob by a constant for each channel."""
        factors, blob = (left, right) if isinstance(left, Tensor) else (right, left)
        if not isinstance(factors, Tensor) or not isinstance(blob, str):
            raise _unknown("mul")
        factors = factors.detach().flatten()
        return self._scale(blob, factors, torch.zeros_like(factors))

    def pad(self, blob: str, sides: list[int]) -> str:
        """Reflect a blob by numbers of pixels at the left, right, top and bottom."""
        left, right, top, bottom = sides
        return self._add("Padding", [blob], {0: top, 1: bottom, 2: left, 3: right, 4: REFLECT})

    def _add(self, kind: str, inputs: list[str], parameters: dict[int, Value], output: str = "") -> str:
        """Add a layer, and return the name of its output."""
        name = f"{kind.lower()}_{len(self.layers)}"
        self.layers.append(Layer(kind, name, tuple(inputs), (output or name,), parameters))
        return output or name

    def relu(self, blob: str, slope: float = 0.0) -> str:
        """Add a ReLU, which is leaky with a slope."""
        return self._add("ReLU", [blob], {0: float(slope)})

    def tanh(self, blob: str) -> str:
        """Add a hyperbolic tangent."""
        return self._add("TanH", [blob], {})

    def add(self, left: str, right: str) -> str:
        """Add the sum of two blobs."""
        return self._add("BinaryOp", [left, right], {0: ADD})

    def enlarge(self, blob: str, scale: float, *, aligned: bool) -> str:
        """Add a bilinear enlargement."""
        return self._add("Interp", [blob], {0: BILINEAR, 1: scale, 2: scale, 6: int(aligned)})

    def unshuffle(self, blob: str, side: int) -> str:
        """Add PyTorch's pixel_unshuffle."""
        return self._add("Reorg", [blob], {0: side})

    def shuffle(self, blob: str, side: int) -> str:
        """Add PyTorch's pixel_shuffle."""
        return self._add("PixelShuffle", [blob], {0: side})


def _write_pad(writer: _Writer, arguments: list[Any], options: dict[str, Any]) -> str:
    if options.get("mode") != "reflect":
        raise _unknown("pad")
    return writer.pad(arguments[0], list(arguments[1]))


def _write_interpolate(writer: _Writer, arguments: list[Any], options: dict[str, Any]) -> str:
    if options.get("mode") != "bilinear" or options.get("scale_factor") != 2.0:
        raise _unknown("interpolate")
    return writer.enlarge(arguments[0], 2.0, aligned=bool(options.get("align_corners")))


_FUNCTIONS: dict[str, Callable[[_Writer, list[Any], dict[str, Any]], str]] = {
    F.pad.__name__: _write_pad,
    F.interpolate.__name__: _write_interpolate,
    F.leaky_relu.__name__: lambda writer, arguments, options: writer.relu(
        arguments[0], options["negative_slope"]
    ),
    torch.relu.__name__: lambda writer, arguments, _: writer.relu(arguments[0]),
    torch.tanh.__name__: lambda writer, arguments, _: writer.tanh(arguments[0]),
    torch.pixel_unshuffle.__name__: lambda writer, arguments, _: writer.unshuffle(*arguments),
    torch.pixel_shuffle.__name__: lambda writer, arguments, _: writer.shuffle(*arguments),
    operator.add.__name__: lambda writer, arguments, _: writer.add(*arguments),
    operator.mul.__name__: lambda writer, arguments, _: writer.multiply(*arguments),
}
"""Writers of the functions that networks call, by their names."""


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


def _unknown(layer: str) -> BackendError:
    return BackendError(f"ncnn files cannot hold a layer {layer} of this network.")
