"""Every network exported to ONNX: the time of a 720p frame, and its difference from PyTorch, side by side.

    python benchmarks/exports.py [--turns 3] [--only pepper]

Each cell has the milliseconds for a frame, and in brackets the largest and the 99.9th percentile of the
differences from PyTorch in float32, in grey levels of 0 to 255, over the photos that the export checks with.
Weights are random for networks without a built-in style. Times are medians of turns in which every backend
draws the same frame (A B C D, A B C D).
"""

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Literal

import torch
from results import Results, make_parser, seconds

from cartoonize import load
from cartoonize.backends import LoadedBackend
from cartoonize.export.onnx import export_onnx
from cartoonize.export.parity import measure_parity, pictures
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import save_style
from cartoonize.styles import builtin_styles, find_style
from cartoonize.styles.card import Card, read_header

NETWORKS: dict[str, tuple[str, dict[str, int | str]]] = {
    "cartoongan 64": ("cartoongan", {}),
    "cartoongan 64, instance norm": ("cartoongan", {"norm": "instance"}),
    "cartoongan_blur 64": ("cartoongan_blur", {}),
    "animegan2": ("animegan2", {}),
}
REFERENCE = "PyTorch fp32"
BACKENDS = (REFERENCE, "PyTorch bf16", "ONNX Runtime fp32", "ONNX Runtime fp16", "ONNX Runtime int8")


def main() -> None:
    """Print a row for each network."""
    parser = make_parser(__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="networks whose name contains this")
    options = parser.parse_args()
    results = Results("exports", options)
    print("| " + " | ".join(("network", *BACKENDS)) + " |")
    print("|---" * (1 + len(BACKENDS)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        styles = {name: str(path) for name, path in builtin_styles().items()} | random_styles(Path(folder))
        for name, style in styles.items():
            if options.only in name:
                with ExitStack() as stack:
                    backends = export_and_load(style, Path(folder), stack)
                    print(compare_backends(name, backends, options.turns, results), flush=True)
    results.write()


def random_styles(folder: Path) -> dict[str, str]:
    """Style files of untrained networks."""
    styles = {}
    for name, (architecture, config) in NETWORKS.items():
        torch.manual_seed(0)
        path = folder / f"{name}.safetensors"
        save_style(path, ARCHITECTURES[architecture](**config).eval(), Card(name))
        styles[name] = str(path)
    return styles


def export_and_load(style: str, folder: Path, stack: ExitStack) -> dict[str, LoadedBackend]:
    """The backends of one network by title; `stack` closes them."""
    is_swift = read_header(find_style(style)).architecture == "swift"
    precisions: list[Literal["fp32", "fp16", "int8"]] = (
        ["fp32", "fp16", "int8"] if is_swift else ["fp32", "fp16"]
    )
    for precision in precisions:
        export_onnx(style, folder / f"{precision}.onnx", precision=precision, overwrite=True)
    backends: dict[str, LoadedBackend] = {
        REFERENCE: load(style, device="cpu", precision="fp32"),
        "PyTorch bf16": load(style, device="cpu", precision="bf16"),
        "ONNX Runtime fp32": load(str(folder / "fp32.onnx"), device="cpu"),
        "ONNX Runtime fp16": load(str(folder / "fp16.onnx"), device="cpu"),
    }
    if is_swift:
        backends["ONNX Runtime int8"] = load(str(folder / "int8.onnx"), device="cpu")
    for backend in backends.values():
        stack.enter_context(backend)
    return backends


def compare_backends(name: str, backends: dict[str, LoadedBackend], turns: int, results: Results) -> str:
    """Measure the backends of one network; return its row of the table."""
    exact = backends[REFERENCE]
    photos = list(pictures(None, None))
    differences = {
        title: measure_parity([(exact(images), backend(images)) for images in photos])
        for title, backend in backends.items()
    }
    frame = next(pictures((1280, 720), 1))
    times: dict[str, list[float]] = {title: [] for title in backends}
    for turn in range(turns + 1):  # the first one warms up
        for title, backend in backends.items():
            elapsed = seconds(partial(backend, frame))
            if turn:
                times[title].append(1000 * elapsed)
    row = f"| {name} |"
    for title in BACKENDS:
        if title in backends:
            elapsed, difference = median(times[title]), differences[title]
            results[f"{name} {title}_ms"] = elapsed
            results[f"{name} {title}_largest_difference"] = difference.largest
            results[f"{name} {title}_percentile"] = difference.percentile
            row += f" {elapsed:.0f}"
            if title != REFERENCE:
                row += f" ({difference.largest}, {difference.percentile:g})"
        row += " |"
    return row


if __name__ == "__main__":
    main()
