"""How much of the machine's arithmetic and memory bandwidth the networks use.

    python benchmarks/hardware.py cpu                                                # 720p, bf16 and int8
    python benchmarks/hardware.py network --device cuda --size 1920x1080 --batch 8   # any device

The ceiling is the rate of a large matrix product on the same device; figures are medians.
"""

import argparse
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
from cartoonize.backends.pytorch.device import synchronize
from cartoonize.core.onnx_runtime import load_onnxruntime
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import save_style
from cartoonize.models.cost import multiplications
from cartoonize.styles.card import Card
from cartoonize.tools.demo import make_demo_clip

SIDE, GPU_SIDE = 2048, 8192  # of the matrices


def main() -> None:
    """Run one of the benchmarks."""
    benchmarks = {function.__name__: function for function in (cpu, network)}
    parser = make_parser(__doc__)
    parser.add_argument("benchmark", choices=benchmarks)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args()
    results = Results(f"hardware {options.benchmark}", options)
    with tempfile.TemporaryDirectory() as folder:
        benchmarks[options.benchmark](options, Path(folder), results)
    results.write()


def cpu(options: argparse.Namespace, folder: Path, results: Results) -> None:
    """Each network at 720p: operations, traffic, and their shares of the machine's measured rates."""
    tflops = matrix_tflops(torch.device("cpu"), SIDE)
    bandwidth = memory_bandwidth()
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
            frame_seconds = median(seconds(draw) for _ in range(options.turns)) / len(batch)
        tflop = 2e-12 * multiplications(generator, 720, 1280)
        traffic = 2 * layer_bytes(generator) / 1e9
        results[f"{name}_ms"] = 1e3 * frame_seconds
        print(f"{name} {config or ''}: {1e3 * tflop:.1f} GFLOP, {traffic:.2f} GB between layers")
        print(
            f"    {1e3 * frame_seconds:.1f} ms: {tflop / frame_seconds / tflops:.0%} of the matrix rate,",
            end=" ",
        )
        print(f"{traffic / frame_seconds / bandwidth:.0%} of the memory's")
    int8_tops = matrix_int8_tops(SIDE)
    with load("pepper", device="cpu", precision="int8") as backend:
        draw = partial(backend, frames)
        draw()
        frame_seconds = median(seconds(draw) for _ in range(3 * options.turns)) / len(frames)
        tops = 1e-3 * (backend.gflop(720, 1280) or 0)
    results["matrix_int8_tops"], results["swift_int8_ms"] = int8_tops, 1e3 * frame_seconds
    print(f"matrix rate {int8_tops:.2f} TOP/s in int8")
    print(
        f"swift in int8: {1e3 * frame_seconds:.1f} ms, "
        f"{tops / frame_seconds / int8_tops:.0%} of the matrix rate"
    )


def network(options: argparse.Namespace, folder: Path, results: Results) -> None:
    """Networks alone, with uint8 input and output in main memory, against the device's matrix rate."""
    width, height = map(int, options.size.split("x"))
    tflops = matrix_tflops(torch.device(options.device), SIDE if options.device == "cpu" else GPU_SIDE)
    results["matrix_tflops"] = tflops
    print(f"matrix rate {tflops:.2f} TFLOP/s in bf16")
    images = np.random.default_rng(0).integers(0, 256, (options.batch, height, width, 3), dtype=np.uint8)
    for name in ("swift", "cartoongan"):
        generator = ARCHITECTURES[name]().eval()
        path = folder / f"{name}.safetensors"
        save_style(path, generator, Card())
        with load(str(path), device=options.device) as backend:
            draw = partial(backend, images)
            draw()
            frame_seconds = median(seconds(draw) for _ in range(2 * options.turns + 1)) / options.batch
        rate = 2e-12 * multiplications(generator, height, width) / frame_seconds
        results[f"{name}_fps"] = 1 / frame_seconds
        print(
            f"{name}: {1 / frame_seconds:.2f} frames/s, {rate:.2f} TFLOP/s, "
            f"{rate / tflops:.0%} of the matrix rate"
        )


def matrix_tflops(device: torch.device, side: int) -> float:
    """TFLOP/s of a bfloat16 product of two square matrices."""
    a, b = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))

    def multiply() -> None:
        _ = a @ b
        synchronize(device)

    multiply()
    return 2e-12 * side**3 / median(seconds(multiply) for _ in range(15))


def memory_bandwidth() -> float:
    """GB/s of copying 128 MB, read and written."""
    source, target = (torch.empty(1 << 27, dtype=torch.uint8) for _ in range(2))
    return 2e-9 * len(source) / median(seconds(lambda: target.copy_(source)) for _ in range(9))


def matrix_int8_tops(side: int) -> float:
    """Tera-operations per second of ONNX Runtime's int8 matrix product; needs `cartoonize[export]`."""
    from onnx import TensorProto, helper

    types = (("a", TensorProto.UINT8), ("b", TensorProto.INT8), ("c", TensorProto.INT32))
    *inputs, output = (helper.make_tensor_value_info(name, type_, [side, side]) for name, type_ in types)
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
        "a": rng.integers(0, 256, (side, side), dtype=np.uint8),
        "b": rng.integers(-128, 128, (side, side), dtype=np.int8),
    }
    return 2e-12 * side**3 / median(seconds(lambda: session.run(None, matrices)) for _ in range(15))


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
