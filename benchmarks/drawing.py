"""How fast `cartoonize video` draws, side by side with what others do on the same frames.

    python benchmarks/drawing.py pepper --video clip.mp4       # end to end, against AnimeGANv2's generator
    python benchmarks/drawing.py cartoongan --video clip.mp4   # this runtime against a plain loop
    python benchmarks/drawing.py memory --video clip.mp4       # peak memory of a short and a long video
    python benchmarks/drawing.py start                         # how long until something happens
    python benchmarks/drawing.py roofline                      # what of the machine's arithmetic is reached
    python benchmarks/drawing.py network --device cuda --size 1920x1080 --batch 8      # a GPU's rates
    python benchmarks/drawing.py threads --video clip.mp4      # a thread a picture, or all threads at one

Both sides take turns, A B A B, so that a machine that slows down slows both; figures are medians.
"""

import argparse
import copy
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import av
import numpy as np
import torch
from peers import plain

from cartoonize import load
from cartoonize.backends.pytorch.device import synchronize
from cartoonize.core.frames import Images
from cartoonize.media import VideoSource, open_sink
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import Card, save_style
from cartoonize.models.cost import multiplications
from cartoonize.run.job import run
from cartoonize.run.report import Report
from cartoonize.tools.benchmark import describe_machine
from cartoonize.tools.demo import make_demo_clip


def main() -> None:
    """Run the row that is asked for."""
    rows = {row.__name__: row for row in (pepper, cartoongan, memory, start, roofline, network, threads)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row", choices=rows)
    parser.add_argument("--video", type=Path, help="a 720p clip; the demo's moving photos without")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=10, help="of the long video")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.video is None:
            options.video = Path(folder) / "clip.mp4"
            make_demo_clip(options.video, 1280, 720)
        print(", ".join(f"{name} {value}" for name, value in describe_machine().items()))
        rows[options.row](options, Path(folder))


def pepper(options: argparse.Namespace, folder: Path) -> None:
    """Frames a second of the whole command, and of AnimeGANv2's network alone."""
    frames = first_frames(options.video, 1)
    network = ARCHITECTURES["animegan2"]().eval()  # random weights take the same time
    rates: dict[str, list[float]] = {"cartoonize": [], "AnimeGANv2": []}
    for _ in range(options.turns):
        report = draw(options.video, folder / "out.mp4", "--style", "pepper")
        rates["cartoonize"].append(report["fps"])
        rates["AnimeGANv2"].append(1 / seconds(lambda: plain(network, frames)))
    ours, theirs = (statistics.median(values) for values in rates.values())
    print(
        f"cartoonize video: {ours:.1f} frames/s; AnimeGANv2 network: {theirs:.3f}; ratio {ours / theirs:.0f}"
    )
    print(report["device"], report["precision"], "waiting", report["waiting"])


def cartoongan(options: argparse.Namespace, folder: Path) -> None:
    """The paper's network at width 64: this runtime against the loop that one writes first."""
    generator = ARCHITECTURES["cartoongan"]().eval()
    path = folder / "cartoongan.safetensors"
    save_style(path, generator, Card())
    frames = first_frames(options.video, 4)
    turns: dict[str, list[float]] = {"this": [], "plain": []}
    with load(str(path), device="cpu") as backend:
        backend(frames)
        plain(generator, frames[:1])
        for _ in range(options.turns):
            turns["this"].append(seconds(lambda: backend(frames)) / len(frames))
            turns["plain"].append(seconds(lambda: plain(generator, frames[:2])) / 2)
    ours, theirs = (statistics.median(values) for values in turns.values())
    times = f"this runtime ({backend.precision}): {ours:.2f} s a frame; plain loop: {theirs:.2f}"
    print(f"{times}; ratio {theirs / ours:.2f}")


def memory(options: argparse.Namespace, folder: Path) -> None:
    """Peak memory of `cartoonize video` on about ten seconds, and on the same repeated for ten minutes."""
    long = folder / "long.mp4"
    length = repeat(options.video, long, options.minutes * 60)
    for clip in (options.video, long):
        report = draw(clip, folder / "out.mp4", "--style", "pepper")
        # The largest of all processes so far: the long video comes second, and shows if it takes more.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{clip.name}: {report['frames']} frames, {report['fps']} frames/s, {peak:.0f} MB at most")
    print(f"the long one lasts {length / 60:.1f} minutes")


def start(options: argparse.Namespace, folder: Path) -> None:
    """Seconds from the command to its end, for --help and for one picture."""
    picture = folder / "in.png"
    from PIL import Image

    Image.fromarray(first_frames(options.video, 1)[0]).save(picture)
    for name, words in (
        ("--help", command("--help")),
        ("one picture", command("image", picture, folder / "out.png", "-y")),
    ):
        run = partial(subprocess.run, words, check=True, capture_output=True)
        run()
        print(f"{name}: {statistics.median(seconds(run) for _ in range(2 * options.turns + 1)):.2f} s")


def roofline(options: argparse.Namespace, folder: Path) -> None:
    """Each network at 720p: work, traffic, and the share of the machine's measured matrix rate."""
    size = 2048
    a, b = (torch.randn(size, size).bfloat16() for _ in range(2))
    ceiling = 2e-12 * size**3 / statistics.median(seconds(lambda: a @ b) for _ in range(15))
    source, target = torch.empty(1 << 27, dtype=torch.uint8), torch.empty(1 << 27, dtype=torch.uint8)
    bandwidth = (
        2e-9 * len(source) / statistics.median(seconds(lambda: target.copy_(source)) for _ in range(9))
    )
    print(f"matrix rate {ceiling:.2f} TFLOP/s in bf16, memory {bandwidth:.1f} GB/s read and written")
    frames = first_frames(options.video, 4)
    for name, config in (("swift", {}), ("cartoongan_blur", {"width": 24}), ("cartoongan", {})):
        generator = ARCHITECTURES[name](**config).eval()
        path = folder / f"{name}.safetensors"
        save_style(path, generator, Card())
        few = frames[: 4 if name == "swift" else 2]
        with load(str(path), device="cpu") as backend:
            backend(few)
            run = partial(backend, few)
            took = statistics.median(seconds(run) for _ in range(options.turns)) / len(few)
        work = 2e-12 * multiplications(generator, 720, 1280)
        traffic = 2 * layer_bytes(generator) / 1e9
        print(f"{name} {config or ''}: {1e3 * work:.1f} GFLOP, {traffic:.2f} GB between layers")
        print(f"    {1e3 * took:.1f} ms: {work / took / ceiling:.0%} of the matrix rate,", end=" ")
        print(f"{traffic / took / bandwidth:.0%} of the memory's")
    short = integer_rate(size)
    with load("pepper", device="cpu", precision="int8") as backend:
        run = partial(backend, frames)
        run()
        took = statistics.median(seconds(run) for _ in range(3 * options.turns)) / len(frames)
        work = 1e-3 * (backend.gflop(720, 1280) or 0)
    print(f"matrix rate {short:.2f} TOP/s in int8")
    print(f"swift in int8: {1e3 * took:.1f} ms, {work / took / short:.0%} of the matrix rate")


def integer_rate(size: int) -> float:
    """Trillions of operations a second of ONNX Runtime's product of bytes; needs `cartoonize[export]`."""
    import onnxruntime
    from onnx import TensorProto, helper

    kinds = (("a", TensorProto.UINT8), ("b", TensorProto.INT8), ("c", TensorProto.INT32))
    *given, found = (helper.make_tensor_value_info(name, kind, [size, size]) for name, kind in kinds)
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    model = helper.make_model(
        helper.make_graph([node], "product", given, [found]), opset_imports=[helper.make_opsetid("", 18)]
    )
    model.ir_version = 10
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(0)
    matrices = {
        "a": rng.integers(0, 256, (size, size), dtype=np.uint8),
        "b": rng.integers(-128, 128, (size, size), dtype=np.int8),
    }
    return (
        2e-12 * size**3 / statistics.median(seconds(lambda: session.run(None, matrices)) for _ in range(15))
    )


def network(options: argparse.Namespace, folder: Path) -> None:
    """Networks alone, uint8 in and out through the memory, against the matrix rate of the device in bf16."""
    width, height = map(int, options.size.split("x"))
    device, side = torch.device(options.device), 2048 if options.device == "cpu" else 8192
    a, b = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))

    def multiply() -> None:
        _ = a @ b
        synchronize(device)

    multiply()
    ceiling = 2e-12 * side**3 / statistics.median(seconds(multiply) for _ in range(15))
    print(f"matrix rate {ceiling:.2f} TFLOP/s in bf16")
    images = np.random.default_rng(0).integers(0, 256, (options.batch, height, width, 3), dtype=np.uint8)
    for name in ("swift", "cartoongan"):
        generator = ARCHITECTURES[name]().eval()
        path = folder / f"{name}.safetensors"
        save_style(path, generator, Card())
        with load(str(path), device=options.device) as backend:
            draw_all = partial(backend, images)
            draw_all()
            took = statistics.median(seconds(draw_all) for _ in range(2 * options.turns + 1)) / options.batch
        rate = 2e-12 * multiplications(generator, height, width) / took
        print(f"{name}: {1 / took:.2f} frames/s, {rate:.2f} TFLOP/s, {rate / ceiling:.0%} of the matrix rate")


def threads(options: argparse.Namespace, folder: Path) -> None:
    """The whole pipeline with a thread for each picture, and with all threads at one picture at a time."""
    with load("pepper", device="cpu") as backend:
        cores = backend._pool.count  # noqa: SLF001  # what is switched on and off here has no public name
        rates: dict[int, list[float]] = {cores: [], 1: []}
        for _ in range(options.turns):
            for count, found in rates.items():
                backend._pool.count = count  # noqa: SLF001
                with VideoSource(options.video) as source:
                    sink = open_sink(folder / "out.mp4", source, overwrite=True)
                    found.append(run(source, sink, backend, Report("", "pepper")).fps)
    for count, found in rates.items():
        print(f"{count} threads: {statistics.median(found):.1f} frames/s")


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


def first_frames(clip: Path, count: int) -> Images:
    """The first frames as one array."""
    with VideoSource(clip) as source:
        return np.stack([frame.image for frame in islice(source, count)])


def command(*words: object) -> list[str]:
    """The command line of this interpreter's cartoonize."""
    return [sys.executable, "-m", "cartoonize", *map(str, words)]


def draw(clip: Path, target: Path, *options: str) -> dict:
    """The report of `cartoonize video`, run as users run it."""
    words = command("video", clip, target, "-y", "--json", *options)
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def repeat(clip: Path, target: Path, length: float) -> float:
    """Write the clip's video and sound over and over, without encoding; the seconds it lasts."""
    once = span(clip)
    with av.open(clip) as source, av.open(target, "w") as sink:
        copied = (source.streams.video[0], source.streams.audio[0])
        streams = {stream.index: sink.add_stream_from_template(stream) for stream in copied}
        for turn in range(int(length / once)):
            source.seek(0)
            for packet in source.demux(*copied):
                if packet.dts is None:
                    continue
                shift = round(turn * once / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                sink.mux(packet)
    return turn * once + once


def span(clip: Path) -> float:
    """Seconds from the first decoding time to the last end, so that a repetition begins behind all of it."""
    with av.open(clip) as source:
        packets = [
            p for p in source.demux(source.streams.video[0], source.streams.audio[0]) if p.dts is not None
        ]
        starts = min(packet.dts * packet.time_base for packet in packets)
        return float(max((p.pts + p.duration) * p.time_base for p in packets) - starts)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes by the clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
