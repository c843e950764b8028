"""How much of a CPU's arithmetic and memory bandwidth the networks use at 720p, in bf16 and int8.

    python benchmarks/hardware.py

The ceiling is the rate of a large matrix product; figures are medians. For GPUs see gpu.py.
"""

import copy
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from clips import first_frames
from results import Results, make_parser, seconds

from cartoonize import load
from cartoonize.core.onnx_runtime import load_onnxruntime
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import save_style
from cartoonize.models.cost import multiplications
from cartoonize.styles.card import Card
from cartoonize.tools.demo import make_demo_clip

SIDE = 2048  # of the matrices


def main() -> None:
    """Measure each network, and print its shares of the machine's measured rates."""
    parser = make_parser(__doc__)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    results = Results("hardware", options)
    with tempfile.TemporaryDirectory() as folder:
        measure(options.turns, Path(folder), results)
    results.write()


def measure(turns: int, folder: Path, results: Results) -> None:
    """Each network at 720p: operations, traffic, and their shares of the machine's measured rates."""
    tflops, bandwidth = matrix_tflops(), memory_bandwidth()
    results["matrix_tflops"], results["memory_gb_per_second"] = tflops, bandwidth
    print(f"matrix rate {tflops:.2f} TFLOP/s in bf16, memory {bandwidth:.1f} GB/s read and written")
    make_demo_clip(folder / "clip.mp4", 1280, 720)
    frames = first_frames(folder / "clip.mp4", 4)
    for name, config in (("swift", {}), ("cartoongan_blur", {"width": 24}), ("cartoongan", {})):
        generator = ARCHITECTURES[name](**config).eval()
        path = folder / f"{name}.safetensors"
        save_style(path, generator, Card())
        batch = frames[: 4 if name == "swift" else 2]
        with load(str(path), device="cpu") as backend:
            backend(batch)
            draw = partial(backend, batch)
            frame_seconds = median(seconds(draw) for _ in range(turns)) / len(batch)
        tflop = 2e-12 * multiplications(generator, 720, 1280)
        traffic = 2 * layer_bytes(generator) / 1e9
        results[f"{name}_ms"] = 1e3 * frame_seconds
        print(f"{name} {config or ''}: {1e3 * tflop:.1f} GFLOP, {traffic:.2f} GB between layers")
        print(
            f"    {1e3 * frame_seconds:.1f} ms: {tflop / frame_seconds / tflops:.0%} of the matrix rate,",
            end=" ",
        )
        print(f"{traffic / frame_seconds / bandwidth:.0%} of the memory's")
    int8_tops = matrix_int8_tops()
    with load("pepper", device="cpu", precision="int8") as backend:
        draw = partial(backend, frames)
        draw()
        frame_seconds = median(seconds(draw) for _ in range(3 * turns)) / len(frames)
        tops = 1e-3 * (backend.gflop(720, 1280) or 0)
    results["matrix_int8_tops"], results["swift_int8_ms"] = int8_tops, 1e3 * frame_seconds
    print(f"matrix rate {int8_tops:.2f} TOP/s in int8")
    print(
        f"swift in int8: {1e3 * frame_seconds:.1f} ms, "
        f"{tops / frame_seconds / int8_tops:.0%} of the matrix rate"
    )


def matrix_tflops() -> float:
    """TFLOP/s of a bfloat16 product of two square matrices."""
    a, b = (torch.randn(SIDE, SIDE).bfloat16() for _ in range(2))
    _ = a @ b
    return 2e-12 * SIDE**3 / median(seconds(lambda: a @ b) for _ in range(15))


def memory_bandwidth() -> float:
    """GB/s of copying 128 MB, read and written."""
    source, target = (torch.empty(1 << 27, dtype=torch.uint8) for _ in range(2))
    return 2e-9 * len(source) / median(seconds(lambda: target.copy_(source)) for _ in range(9))


def matrix_int8_tops() -> float:
    """Tera-operations per second of ONNX Runtime's int8 matrix product; needs `cartoonize[export]`."""
    from onnx import TensorProto, helper

    types = (("a", TensorProto.UINT8), ("b", TensorProto.INT8), ("c", TensorProto.INT32))
    *inputs, output = (helper.make_tensor_value_info(name, type_, [SIDE, SIDE]) for name, type_ in types)
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    model = helper.make_model(
        helper.make_graph([node], "product", inputs, [output]), opset_imports=[helper.make_opsetid("", 18)]
    )
    model.ir_version = 10
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(0)
    matrices = {
        "a": rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8),
        "b": rng.integers(-128, 128, (SIDE, SIDE), dtype=np.int8),
    }
    return 2e-12 * SIDE**3 / median(seconds(lambda: session.run(None, matrices)) for _ in range(15))


def layer_bytes(generator: torch.nn.Module) -> int:
    """Bytes of all layers' outputs for a 720p frame in bf16; each is written once and read once."""
    total = 0

    def count(_layer: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        total += 2 * output.numel()

    meta = copy.deepcopy(generator).to("meta")
    for layer in meta.modules():
        if not list(layer.children()):
            layer.register_forward_hook(count)
    meta(torch.empty(1, 3, 720, 1280, device="meta"))
    return total


if __name__ == "__main__":
    main()
