"""Checks a graph by the rules of layers.py, for one size of pictures.

ncnn trusts its files. With a layer that states too many weights, or a sum of blobs of different sizes, it
reads and writes memory of others. A huge number makes it allocate all memory. So everything is checked
before it runs: a file when it is loaded, and its graph for each size of pictures.
"""

from dataclasses import dataclass

import numpy as np

from .graph import INPUT, OUTPUT, Graph, Layer
from .layers import KINDS, LayerWeights, Shape, values_of

FP32, FP16 = 0, 0x01306B47
"""ncnn's marks of the type of weights."""
_MAX_SIDE = 1 << 20
# Scratch space of a 3x3 convolution, in units of its input and output: ncnn transforms both (Winograd, 1980).
_WINOGRAD = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """The needs of a graph for one size of pictures: its weights in order, and floats of memory.

    Attributes:
        weights: of all layers, in the order of the .bin file.
        peak: the largest number of floats that are alive at once, the scratch space of convolutions included.
        largest: the number of floats in the largest blob.
    """

    weights: list[LayerWeights]
    peak: int
    largest: int


def check_graph(graph: Graph, height: int, width: int) -> Plan:
    """Check that a graph turns pictures of a size into pictures of the same size.

    Raises:
        ValueError: it does not, or breaks the rules of its layers.
    """
    starts = [(layer.kind, layer.inputs, layer.outputs, not layer.parameters) for layer in graph.layers[:1]]
    if starts != [("Input", (), (INPUT,), True)]:
        raise ValueError(f"it does not begin with the input {INPUT}")
    shapes: dict[str, Shape] = {INPUT: (3, height, width)}
    used = {OUTPUT}
    weights: list[LayerWeights] = []
    peak = largest = live = 3 * height * width
    for layer in graph.layers[1:]:
        _check_blobs(layer, shapes, used)
        inputs = [shapes[name] for name in layer.inputs]
        kind, values = KINDS[layer.kind], values_of(layer)
        output = kind.shape(values, inputs)
        if not all(0 < side <= _MAX_SIDE for side in output):
            raise ValueError(f"{layer.kind} makes a blob of {output}")
        weights += kind.weights(values, inputs)
        used.update(layer.inputs)
        shapes.update(dict.fromkeys(layer.outputs, output))
        size, consumed = _floats(output), 0 if layer.kind == "Split" else sum(map(_floats, inputs))
        scratch = _WINOGRAD * (size + consumed) if values.get("kernel") == 3 else 0
        peak, largest = max(peak, live + size + scratch), max(largest, size)
        live += size * len(layer.outputs) - sum(map(_floats, inputs))
    if shapes.get(OUTPUT) != (3, height, width):
        raise ValueError(f"pictures of {width}x{height} do not keep their size")
    return Plan(weights, peak, largest)


def check_weights(plan: Plan, data: bytes) -> None:
    """Check that a .bin file holds exactly the weights of a graph, in types that are accepted.

    Raises:
        ValueError: it does not, or they are not finite.
    """
    position = 0
    for weights in plan.weights:
        mark = FP32
        if weights.tagged:
            mark = int.from_bytes(data[position : position + 4], "little")
            position += 4
        if mark not in (FP32, FP16):
            raise ValueError("its weights are neither float32 nor float16")
        length = weights.count * (2 if mark == FP16 else 4)
        numbers = data[position : position + length]
        if len(numbers) < length:
            raise ValueError("its weights are incomplete")
        if not np.isfinite(np.frombuffer(numbers, np.float16 if mark == FP16 else np.float32)).all():
            raise ValueError("its weights are not finite")
        position += -(-length // 4) * 4  # ncnn aligns
    if position != len(data):
        raise ValueError("it holds other weights than its graph")


def _check_blobs(layer: Layer, shapes: dict[str, Shape], used: set[str]) -> None:
    """Check that a layer reads blobs that exist and that no other layer reads, and writes new ones."""
    if layer.kind not in KINDS:
        raise ValueError(f"layers of the kind {layer.kind!r} are not accepted")
    outputs = len(layer.outputs) if layer.kind == "Split" else 1
    if len(layer.inputs) != KINDS[layer.kind].inputs or len(layer.outputs) != outputs or not outputs:
        raise ValueError(f"{layer.kind} has another number of inputs or outputs")
    for name in layer.inputs:
        if name not in shapes or name in used or layer.inputs.count(name) > 1:
            raise ValueError(f"{layer.kind} reads {name!r}, which does not exist or is read elsewhere")
    if shapes.keys() & set(layer.outputs) or len(set(layer.outputs)) < outputs:
        raise ValueError(f"{layer.kind} writes a blob twice")


def _floats(shape: Shape) -> int:
    # ncnn pads each channel to 16 bytes.
    channels, height, width = shape
    return channels * (-(-height * width // 4) * 4)
