"""Every network exported to ONNX: how far it is from PyTorch, and what a 720p frame costs, side by side.

    python benchmarks/exports.py [--turns 3] [--only swift]

Differences are in grey levels of 0 to 255 against PyTorch in float32, over the photos of the export's own
check. Weights are random where there is no built-in style of that network. Times are medians of turns in
which every back end draws the same frame (A B C D, A B C D).
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import torch

from cartoonize import load
from cartoonize.backends import LoadedBackend
from cartoonize.export.onnx import export_onnx
from cartoonize.export.parity import measure_parity, pictures
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import Card, save_style
from cartoonize.styles import builtin_styles, find_style
from cartoonize.styles.card import read_header

NETWORKS: dict[str, tuple[str, dict[str, int | str]]] = {
    "cartoongan 64": ("cartoongan", {}),
    "cartoongan 64, instance norm": ("cartoongan", {"norm": "instance"}),
    "cartoongan_blur 64": ("cartoongan_blur", {}),
    "animegan2": ("animegan2", {}),
}


def main() -> None:
    """Print a row for each network, precision and back end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="networks whose name holds this")
    options = parser.parse_args()
    print("| network | back end | largest | 99.9th percentile | ms for 1280x720 | of PyTorch fp32 |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        styles = {name: str(path) for name, path in builtin_styles().items()} | random_styles(Path(folder))
        for name, style in styles.items():
            if options.only in name:
                with ExitStack() as opened:
                    compare(name, style, Path(folder), options.turns, opened)


def random_styles(folder: Path) -> dict[str, str]:
    """Style files of untrained networks."""
    found = {}
    for name, (architecture, config) in NETWORKS.items():
        torch.manual_seed(0)
        path = folder / f"{name}.safetensors"
        save_style(path, ARCHITECTURES[architecture](**config).eval(), Card(name))
        found[name] = str(path)
    return found


def compare(name: str, style: str, folder: Path, turns: int, opened: ExitStack) -> None:
    """Rows of one network; `opened` closes its back ends."""
    swift = read_header(find_style(style)).architecture == "swift"
    for precision in ("fp32", "fp16", *(["int8"] if swift else [])):
        export_onnx(style, folder / f"{precision}.onnx", precision=precision, overwrite=True)
    backends: dict[str, LoadedBackend] = {
        "PyTorch fp32": load(style, device="cpu", precision="fp32"),
        "PyTorch bf16": load(style, device="cpu", precision="bf16"),
        "ONNX Runtime fp32": load(str(folder / "fp32.onnx"), device="cpu"),
        "ONNX Runtime fp16": load(str(folder / "fp16.onnx"), device="cpu"),
    }
    if swift:
        backends["ONNX Runtime int8"] = load(str(folder / "int8.onnx"), device="cpu")
    for backend in backends.values():
        opened.enter_context(backend)
    exact = backends["PyTorch fp32"]
    given = list(pictures(None, None))
    apart = {
        title: measure_parity([(exact(images), backend(images)) for images in given])
        for title, backend in backends.items()
    }
    frame = next(pictures((1280, 720), 1))
    times: dict[str, list[float]] = {title: [] for title in backends}
    for turn in range(turns + 1):  # the first warms up
        for title, backend in backends.items():
            started = time.perf_counter()
            backend(frame)
            if turn:
                times[title].append(1000 * (time.perf_counter() - started))
    base = statistics.median(times["PyTorch fp32"])
    for title, found in apart.items():
        took = statistics.median(times[title])
        print(
            f"| {name} | {title} | {found.largest} | {found.usual:g} | {took:.0f} | {took / base:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
