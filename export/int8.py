"""Writes a `Swift` network as a graph in 8-bit integers, of ONNX's own operators.

The bytes of the picture are the input of the first layer, and the bytes of the last layer are the picture:
nothing is converted at either end. Between layers every value passes a QuantizeLinear and a DequantizeLinear,
which runtimes merge with the convolutions around them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from ..models import Swift
from ..models.int8 import INNER, MAX_LEVEL, TRUNK, Grid, interleaved, weight_scales

PIXELS = 1 / 127.5, 128
"""Scale and zero point of a picture's bytes. In [-1, 1] 0 is 127.5, which is no byte. With 128 as the zero
point, the network reads each byte half a level too low; the biases of the first and last layer correct it."""
IR_VERSION = 10  # as PyTorch writes for the same opsets


def write_int8(
    network: Swift, path: Path, opset: int, size: tuple[int, int] | None, batch: int | None
) -> None:
    """Write the graph, from pictures (N, H, W, 3) uint8 RGB to the same, to `path`.

    Args:
        network: a network scaled for integers (see models/int8.py, `fit_grids`).
        path: the file to write.
        opset: the version of ONNX's operators.
        size: width and height, if the graph is to take no others; None leaves them open.
        batch: pictures per call; None leaves it open.
    """
    width, height = size or ("width", "height")
    shape = [batch or "batch", height, width, 3]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, shape) for name in ("images", "cartoons")
    ]
    writer = _Writer([], [])
    _write_network(writer, network)
    graph = helper.make_graph(writer.nodes, "swift_int8", ends[:1], ends[1:], writer.constants)
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), path)


def _write_network(writer: "_Writer", network: Swift) -> None:
    """Add all nodes from "images" to "cartoons"."""
    half, order = 0.5 * PIXELS[0], interleaved(network.stride)
    patches, size = _unshuffle(writer, network.stride)
    source = writer.add("DequantizeLinear", patches, *writer.grid(PIXELS))

    weight = network.head.weight[:, order]
    bias = _bias(network.head) + half * weight.sum((1, 2, 3))
    trunk = writer.round(writer.conv(source, PIXELS, weight, bias), TRUNK)
    for block in network.steps:
        inner = writer.add("Relu", writer.conv(trunk, TRUNK, block.conv1.weight, _bias(block.conv1)))
        inner = writer.round(inner, INNER)
        step = writer.round(writer.conv(inner, INNER, block.conv2.weight, _bias(block.conv2)), TRUNK)
        trunk = writer.round(writer.add("Add", trunk, step), TRUNK)

    gain = network.gain[order]
    bias = _bias(network.tail)[order] + half * (gain[:, 0, 0] - 1)
    drawn = writer.conv(trunk, TRUNK, network.tail.weight[order], bias)
    if gain.any():  # the sum keeps this layer in float32, which is slow
        drawn = writer.add("Add", drawn, writer.add("Mul", source, writer.constant(gain[None].numpy())))
    _shuffle(writer, writer.add("QuantizeLinear", drawn, *writer.grid(PIXELS)), size, network.stride)


def _unshuffle(writer: "_Writer", stride: int) -> tuple[str, list[str]]:
    """Add the nodes from pictures to patches, (N, 3 * stride^2, H / stride, W / stride); also return H and W.

    The border is repeated, up to the next multiple of the stride.
    """
    shape, step = writer.add("Shape", "images"), writer.integers(stride)
    count, height, width = (writer.add("Gather", shape, writer.integers(axis)) for axis in range(3))
    missing = [writer.add("Mod", writer.add("Neg", side), step) for side in (height, width)]
    none = writer.integers(0)
    pads = writer.add("Concat", *[none] * 5, *missing, none, axis=0)
    padded = writer.add("Pad", "images", pads, mode="edge")
    sides = [writer.add("Add", *pair) for pair in zip((height, width), missing, strict=True)]
    rows, columns = (writer.add("Div", side, step) for side in sides)
    chunk = writer.integers(3 * stride)
    split = writer.add("Reshape", padded, writer.add("Concat", count, rows, step, columns, chunk, axis=0))
    transposed = writer.add("Transpose", split, perm=[0, 1, 3, 2, 4])
    flat = writer.add("Concat", count, rows, columns, writer.integers(3 * stride**2), axis=0)
    patches = writer.add("Transpose", writer.add("Reshape", transposed, flat), perm=[0, 3, 1, 2])
    return patches, [height, width]


def _shuffle(writer: "_Writer", patches: str, size: list[str], stride: int) -> None:
    """Add the inverse of `_unshuffle`, to "cartoons"; `size` is the height and width of the pictures."""
    transposed = writer.add("Transpose", patches, perm=[0, 2, 3, 1])
    shape = writer.add("Shape", transposed)
    count, rows, columns = (writer.add("Gather", shape, writer.integers(axis)) for axis in range(3))
    step, chunk = writer.integers(stride), writer.integers(3 * stride)
    split = writer.add("Reshape", transposed, writer.add("Concat", count, rows, columns, step, chunk, axis=0))
    lines = writer.add("Transpose", split, perm=[0, 1, 3, 2, 4])
    sides = [writer.add("Mul", side, step) for side in (rows, columns)]
    whole = writer.add("Reshape", lines, writer.add("Concat", count, *sides, writer.integers(3), axis=0))
    starts, ends = writer.integers(0, 0), writer.add("Concat", *size, axis=0)
    writer.add("Slice", whole, starts, ends, writer.integers(1, 2), out="cartoons")


@dataclass(frozen=True, slots=True)
class _Writer:
    """Collects the nodes and constants of a graph."""

    nodes: list[Any]
    constants: list[Any]

    def add(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        out = out or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, **attributes))
        return out

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant, and return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def integers(self, *values: int) -> str:
        """Add a constant of 64-bit integers, and return its name."""
        return self.constant(np.array(values, np.int64))

    def grid(self, grid: Grid) -> tuple[str, str]:
        """Add the scale and the zero point of a grid as constants, and return their names."""
        return self.constant(np.array(grid[0], np.float32)), self.constant(np.array(grid[1], np.uint8))

    def round(self, value: str, grid: Grid) -> str:
        """Add the nodes that round a value to the levels of `grid`; return the output's name."""
        scale = self.grid(grid)
        return self.add("DequantizeLinear", self.add("QuantizeLinear", value, *scale), *scale)

    def conv(self, value: str, grid: Grid, weight: Tensor, bias: Tensor) -> str:
        """Add a 3x3 convolution of a value on `grid`: 8-bit weights, 32-bit biases. Return its name."""
        scales = weight_scales(weight)
        levels = torch.round(weight / scales[:, None, None, None]).clamp(-MAX_LEVEL, MAX_LEVEL)
        sums = torch.round(bias / (scales * grid[0]))
        short = self.constant(levels.to(torch.int8).numpy()), self.constant(scales.numpy())
        long = self.constant(sums.to(torch.int32).numpy()), self.constant((scales * grid[0]).numpy())
        weights, biases = (self.add("DequantizeLinear", *pair, axis=0) for pair in (short, long))
        return self.add("Conv", value, weights, biases, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias
