"""Converts a generator to a graph of ncnn and its weights.

The graph is complete but for padding and rounding: RGB values of 0 to 255 in, of sides that are multiples of
the network's stride, and the same out. Batch norm is folded into the convolutions.
"""

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from ...core.errors import BackendError
from ...models import Generator
from ...models.blocks import InstanceNorm, LayerNorm
from ...models.checkpoint import load_style
from ...models.deploy import deploy
from ..metadata import describe_network
from .check import check_graph, check_weights
from .graph import INPUT, OUTPUT, Graph, NcnnNetwork
from .writer import LayerWriter, unknown_layer


def convert_style(path: Path, *, half: bool = False) -> NcnnNetwork:
    """Convert the network of a style file; as `convert`.

    Raises:
        ModelError: the file is damaged.
        BackendError: as `convert`.
    """
    generator, header = load_style(path)
    metadata = describe_network(generator, header) | {"network": header.network}
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
    writer = LayerWriter(half=half)
    _Converter(deployed, writer).convert(traced)
    layers, weights = writer.finish()
    graph, side = Graph(layers, metadata), 8 * generator.stride
    try:
        check_weights(check_graph(graph, side, side), weights)
    except ValueError as error:
        raise BackendError(f"{type(generator).__name__} cannot be converted for ncnn: {error}.") from error
    return NcnnNetwork(graph, weights)


class _Tracer(fx.Tracer):
    """Traces a network down to the layers that ncnn has."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.GroupNorm) or super().is_leaf_module(m, module_qualified_name)


class _Converter:
    """Adds the layers of a traced network to a writer."""

    def __init__(self, network: nn.Module, writer: LayerWriter) -> None:
        self._network, self._writer = network, writer
        self._values: dict[fx.Node, Any] = {}  # names of blobs, and constants

    def convert(self, traced: fx.Graph) -> None:
        """Add the layers from pictures to drawings, both from 0 to 255."""
        grey, writer = torch.full((3,), 127.5), self._writer
        for node in traced.nodes:
            if node.op == "placeholder":
                self._values[node] = writer.scale(INPUT, 1 / grey, torch.full((3,), -1.0))
            elif node.op == "output":
                scaled = writer.scale(self._values[node.args[0]], grey, grey)
                writer.clip(scaled, 0.0, 255.0, OUTPUT)
            elif node.op == "get_attr":
                self._values[node] = operator.attrgetter(node.target)(self._network)
            elif node.op == "call_module":
                module, blob = self._network.get_submodule(node.target), self._values[node.args[0]]
                self._values[node] = self._module(module, blob)
            else:
                self._values[node] = self._function(node)

    def _module(self, module: nn.Module, blob: str) -> str:
        writer = self._writer
        if isinstance(module, nn.Identity):
            return blob
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            return writer.convolve(blob, module)
        if isinstance(module, InstanceNorm):
            return writer.instance_norm(blob, module)
        if isinstance(module, LayerNorm):
            return writer.layer_norm(blob, module)
        if isinstance(module, nn.BatchNorm2d):
            return writer.scale(blob, *_factors(module))
        if isinstance(module, nn.ReLU):
            return writer.relu(blob)
        raise unknown_layer(type(module).__name__)

    def _function(self, node: fx.Node) -> Any:
        """Add the layer of a function; functions of constants and shapes add none."""
        arguments: list[Any] = fx.node.map_arg(list(node.args), lambda arg: self._values.get(arg, arg))
        name = node.target if isinstance(node.target, str) else node.target.__name__
        if name in ("getattr", "to"):
            return arguments[0]  # `gain.to(x.dtype)`: everything is float32 here
        if name not in _FUNCTIONS:
            raise unknown_layer(name)
        return _FUNCTIONS[name](self._writer, arguments, node.kwargs)


def _factors(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return what a batch norm multiplies each channel by, and what it adds."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - scale * norm.running_mean


def _write_pad(writer: LayerWriter, arguments: list[Any], options: dict[str, Any]) -> str:
    if options.get("mode") != "reflect":
        raise unknown_layer("pad")
    return writer.reflect(arguments[0], list(arguments[1]))


def _write_interpolate(writer: LayerWriter, arguments: list[Any], options: dict[str, Any]) -> str:
    if options.get("mode") != "bilinear" or options.get("scale_factor") != 2.0:
        raise unknown_layer("interpolate")
    return writer.enlarge(arguments[0], aligned=bool(options.get("align_corners")))


def _write_product(writer: LayerWriter, arguments: list[Any], _options: dict[str, Any]) -> str:
    """Multiply a blob by a constant for each channel."""
    constants = [argument for argument in arguments if isinstance(argument, Tensor)]
    blobs = [argument for argument in arguments if isinstance(argument, str)]
    if len(constants) != 1 or len(blobs) != 1:
        raise unknown_layer("mul")
    factors = constants[0].detach().flatten()
    return writer.scale(blobs[0], factors, torch.zeros_like(factors))


_FUNCTIONS: dict[str, Callable[[LayerWriter, list[Any], dict[str, Any]], str]] = {
    F.pad.__name__: _write_pad,
    F.interpolate.__name__: _write_interpolate,
    F.leaky_relu.__name__: lambda writer, arguments, options: writer.relu(
        arguments[0], options["negative_slope"]
    ),
    torch.relu.__name__: lambda writer, arguments, _: writer.relu(arguments[0]),
    torch.tanh.__name__: lambda writer, arguments, _: writer.tanh(arguments[0]),
    torch.pixel_unshuffle.__name__: lambda writer, arguments, _: writer.unshuffle(*arguments),
    torch.pixel_shuffle.__name__: lambda writer, arguments, _: writer.shuffle(*arguments),
    operator.add.__name__: lambda writer, arguments, _: writer.sum(*arguments),
    operator.mul.__name__: _write_product,
}
"""Writers of the functions that networks call, by their names."""
