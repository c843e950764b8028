"""How fast `cartoonize video` converts, side by side with other programs on the same frames.

    python benchmarks/drawing.py pepper --video clip.mp4       # the command, against AnimeGANv2's network
    python benchmarks/drawing.py cartoongan --video clip.mp4   # this runtime against a plain loop
    python benchmarks/drawing.py memory --video clip.mp4       # peak memory of a short and a long video
    python benchmarks/drawing.py start                         # seconds from the command to its end
    python benchmarks/drawing.py threads --video clip.mp4      # a thread per picture, or all threads at one

Both sides take turns, A B A B, so that a machine that slows down slows both; figures are medians.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from clips import first_frames, repeat
from PIL import Image
from results import Results, make_parser, seconds
from torch import nn

from cartoonize import load
from cartoonize.backends.onnx import OnnxBackend
from cartoonize.core.frames import Images
from cartoonize.media import VideoSource, open_sink
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import save_style
from cartoonize.run.job import run
from cartoonize.run.report import Report
from cartoonize.styles.card import Card
from cartoonize.tools.demo import make_demo_clip


def main() -> None:
    """Run one of the benchmarks."""
    benchmarks = {function.__name__: function for function in (pepper, cartoongan, memory, start, threads)}
    parser = make_parser(__doc__)
    parser.add_argument("benchmark", choices=benchmarks)
    parser.add_argument("--video", type=Path, help="a 720p clip; default: the demo's moving photos")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10, help="length of the long video")
    options = parser.parse_args()
    results = Results(f"drawing {options.benchmark}", options)
    with tempfile.TemporaryDirectory() as folder:
        if options.video is None:
            options.video = Path(folder) / "clip.mp4"
            make_demo_clip(options.video, 1280, 720)
        print(", ".join(f"{name} {value}" for name, value in results.content["machine"].items()))
        benchmarks[options.benchmark](options, Path(folder), results)
    results.write()


def pepper(options: argparse.Namespace, folder: Path, results: Results) -> None:
    """Frames per second of the whole command, and of AnimeGANv2's network alone."""
    frames = first_frames(options.video, 1)
    network = ARCHITECTURES["animegan2"]().eval()  # random weights take the same time
    rates: dict[str, list[float]] = {"cartoonize": [], "animegan2": []}
    for _ in range(options.turns):
        report = convert(options.video, folder / "out.mp4", "--style", "pepper")
        rates["cartoonize"].append(report["fps"])
        rates["animegan2"].append(1 / seconds(lambda: plain_loop(network, frames)))
    ours, theirs = (median(values) for values in rates.values())
    results["cartoonize_fps"], results["animegan2_fps"] = ours, theirs
    print(
        f"cartoonize video: {ours:.1f} frames/s; AnimeGANv2 network: {theirs:.3f}; ratio {ours / theirs:.0f}"
    )
    print(report["device"], report["precision"], "waiting", report["waiting"])


def cartoongan(options: argparse.Namespace, folder: Path, results: Results) -> None:
    """The paper's network at width 64: this runtime against a plain loop."""
    generator = ARCHITECTURES["cartoongan"]().eval()
    path = folder / "cartoongan.safetensors"
    save_style(path, generator, Card())
    frames = first_frames(options.video, 4)
    times: dict[str, list[float]] = {"cartoonize": [], "plain": []}
    with load(str(path), device="cpu") as backend:
        backend(frames)
        plain_loop(generator, frames[:1])
        for _ in range(options.turns):
            times["cartoonize"].append(seconds(lambda: backend(frames)) / len(frames))
            times["plain"].append(seconds(lambda: plain_loop(generator, frames[:2])) / 2)
    ours, plain = (median(values) for values in times.values())
    results["cartoonize_frame_seconds"], results["plain_frame_seconds"] = ours, plain
    print(
        f"this runtime ({backend.precision}): {ours:.2f} s per frame; plain loop: {plain:.2f}; "
        f"ratio {plain / ours:.2f}"
    )


def memory(options: argparse.Namespace, folder: Path, results: Results) -> None:
    """Peak memory of `cartoonize video` on the clip, and on the clip repeated for --minutes."""
    long = folder / "long.mp4"
    length = repeat(options.video, long, options.minutes * 60)
    for name, clip in (("short", options.video), ("long", long)):
        report = convert(clip, folder / "out.mp4", "--style", "pepper")
        # The maximum over all processes so far. The long video is second, so more memory would show.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        results[f"{name}_peak_mb"], results[f"{name}_fps"] = peak, report["fps"]
        print(f"{name}: {report['frames']} frames, {report['fps']} frames/s, {peak:.0f} MB at most")
    print(f"the long video lasts {length / 60:.1f} minutes")


def start(options: argparse.Namespace, folder: Path, results: Results) -> None:
    """Seconds from the command to its end, for --help and for one picture."""
    picture = folder / "in.png"
    Image.fromarray(first_frames(options.video, 1)[0]).save(picture)
    for name, words in (
        ("help", command("--help")),
        ("picture", command("image", picture, folder / "out.png", "-y")),
    ):
        run_command = partial(subprocess.run, words, check=True, capture_output=True)
        run_command()
        result = median(seconds(run_command) for _ in range(2 * options.turns + 1))
        results[f"{name}_seconds"] = result
        print(f"{name}: {result:.2f} s")


def threads(options: argparse.Namespace, folder: Path, results: Results) -> None:
    """The whole pipeline with a thread for each picture, and with all threads at one picture at a time."""
    with load("pepper", device="cpu") as backend:
        assert isinstance(backend, OnnxBackend)  # pepper has an int8 file
        pool = backend._pool  # noqa: SLF001  # users have no reason to change the number
        cores = pool.count
        rates: dict[int, list[float]] = {cores: [], 1: []}
        for _ in range(options.turns):
            for count, measured in rates.items():
                pool.count = count
                with VideoSource(options.video) as source:
                    sink = open_sink(folder / "out.mp4", source, overwrite=True)
                    measured.append(run(source, sink, backend, Report("", "pepper")).fps)
    for count, measured in rates.items():
        results[f"pictures_at_once_{count}_fps"] = median(measured)
        print(f"{count} pictures at once: {median(measured):.1f} frames/s")


@torch.no_grad()
def plain_loop(network: nn.Module, images: Images) -> Images:
    """Run a network as scripts do: NCHW, float32, one picture at a time, one stage after the other."""
    outputs = []
    for image in images:
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        y = network(x)[0].clamp(-1, 1).permute(1, 2, 0)
        outputs.append(((y + 1) * 127.5).byte().numpy())
    return np.stack(outputs)


def command(*words: object) -> list[str]:
    """A command line of cartoonize for this interpreter."""
    return [sys.executable, "-m", "cartoonize", *map(str, words)]


def convert(clip: Path, target: Path, *options: str) -> dict[str, Any]:
    """The report of `cartoonize video`, run as users run it."""
    words = command("video", clip, target, "-y", "--json", *options)
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)  # noqa: S603


if __name__ == "__main__":
    main()
