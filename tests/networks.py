"""Networks as other programs publish them, with random weights."""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

TYPES = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}
RANGES = {"-1..1": (-1.0, 1.0), "0..1": (0.0, 1.0), "0..255": (0.0, 255.0)}
TINT = (0.95, 0.9, 0.8)  # factors of the three channels, in the graph's own order
VEIL = 0.02  # is added to all of them, as a share of the range


def save_onnx(path, nodes, shape, dtype="float32", weights=(), out_shape=None, about=None):
    """Write an ONNX file of these nodes, from `x` to `y`, with metadata."""
    ends = [
        helper.make_tensor_value_info(name, TYPES[dtype], dims)
        for name, dims in (("x", shape), ("y", out_shape or shape))
    ]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializers)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    helper.set_model_props(model, about or {})
    onnx.save(model, path)
    return path


def foreign(
    path, *, channels_first=True, span="-1..1", multiple=8, sides=(None, None), batch=None, dtype="float32"
):
    """Write another program's network: it tints the picture, and needs sides that are multiples."""
    low, high = RANGES[span]
    tint = np.array(TINT, dtype).reshape((3, 1, 1))
    node = helper.make_node
    nodes = [] if channels_first else [node("Transpose", ["x"], ["nchw"], perm=[0, 3, 1, 2])]
    nodes += [
        node("SpaceToDepth", ["x" if channels_first else "nchw"], ["deep"], blocksize=multiple),
        node("DepthToSpace", ["deep"], ["back"], blocksize=multiple, mode="DCR"),
        node("Clip", ["back", "low", "high"], ["held"]),
        node("Sub", ["held", "low"], ["risen"]),
        node("Mul", ["risen", "tint"], ["tinted"]),
        node("Add", ["tinted", "veil"], ["y" if channels_first else "out"]),
    ]
    nodes += [] if channels_first else [node("Transpose", ["out"], ["y"], perm=[0, 2, 3, 1])]
    dims = [batch or "n", 3, *(side or name for side, name in zip(sides, "hw", strict=True))]
    shape = dims if channels_first else [dims[0], *dims[2:], 3]
    veil = np.array(low + VEIL * (high - low), dtype)
    weights = [("veil", veil), ("low", np.array(low, dtype)), ("high", np.array(high, dtype)), ("tint", tint)]
    return save_onnx(path, nodes, shape, dtype, weights)


def random_cartoongan(base=8):
    """Return a state dict with the published keys: random convolutions, norms that are not the identity."""
    torch.manual_seed(0)
    weights = {}

    def conv(name, inputs, outputs, kernel=3, transposed=False):
        shape = (inputs, outputs) if transposed else (outputs, inputs)
        weights[f"{name}.weight"] = torch.randn(*shape, kernel, kernel) / (kernel * inputs**0.5)
        weights[f"{name}.bias"] = 0.1 * torch.randn(outputs)

    def norm(name, channels):
        weights[f"{name}.scale"] = 1 + 0.2 * torch.randn(channels)
        weights[f"{name}.shift"] = 0.2 * torch.randn(channels)

    conv("conv01_1", 3, base, 7)
    norm("in01_1", base)
    for number, inputs in (("02", base), ("03", 2 * base)):
        conv(f"conv{number}_1", inputs, 2 * inputs)
        conv(f"conv{number}_2", 2 * inputs, 2 * inputs)
        norm(f"in{number}_1", 2 * inputs)
    for number in range(4, 12):
        for half in "12":
            conv(f"conv{number:02}_{half}", 4 * base, 4 * base)
            norm(f"in{number:02}_{half}", 4 * base)
    for number, inputs, after in (("01", 4 * base, "in12_1"), ("02", 2 * base, "in13_1")):
        conv(f"deconv{number}_1", inputs, inputs // 2, transposed=True)
        conv(f"deconv{number}_2", inputs // 2, inputs // 2)
        norm(after, inputs // 2)
    conv("deconv03_1", base, 3, 7)
    return weights


ANIMEGAN_UNITS = [  # name, inputs and outputs in multiples of the base filters (except 3), kernel
    ("block_a.0", 3, 1, 7), ("block_a.1", 1, 2, 3), ("block_a.2", 2, 2, 3),
    ("block_b.0", 2, 4, 3), ("block_b.1", 4, 4, 3),
    ("block_c.0", 4, 4, 3), ("block_c.5", 8, 4, 3),
    ("block_d.0", 4, 4, 3), ("block_d.1", 4, 4, 3),
    ("block_e.0", 4, 2, 3), ("block_e.1", 2, 2, 3), ("block_e.2", 2, 1, 7),
]  # fmt: skip


def random_animegan(base=8):
    """Return a state dict with the keys of AnimeGANv2's PyTorch port."""
    torch.manual_seed(1)
    weights = {}

    def conv(name, inputs, outputs, kernel):
        weights[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel) / (kernel * inputs**0.5)

    def norm(name, channels):
        weights[f"{name}.weight"] = 1 + 0.2 * torch.randn(channels)
        weights[f"{name}.bias"] = 0.2 * torch.randn(channels)

    for name, inputs, outputs, kernel in ANIMEGAN_UNITS:
        conv(f"{name}.1", 3 if name == "block_a.0" else inputs * base, outputs * base, kernel)
        norm(f"{name}.2", outputs * base)
    for number in range(1, 5):
        inputs, name = (4 if number == 1 else 8) * base, f"block_c.{number}.layers"
        conv(f"{name}.0.1", inputs, 2 * inputs, 1)
        norm(f"{name}.0.2", 2 * inputs)
        conv(f"{name}.1.1", 1, 2 * inputs, 3)
        weights[f"{name}.1.1.bias"] = 0.1 * torch.randn(2 * inputs)
        norm(f"{name}.1.2", 2 * inputs)
        conv(f"{name}.2", 2 * inputs, 8 * base, 1)
        norm(f"{name}.3", 8 * base)
    conv("out_layer.0", base, 3, 1)
    return weights
