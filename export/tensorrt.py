"""A style as engines of TensorRT: for the GPU at hand, one for each size of frames.

The graph is exported with its precision in it (norms in float32) and built as a strongly typed network,
which leaves TensorRT no choice. Every engine draws what PyTorch draws before the folder takes its name.
"""

import tempfile
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from ..backends.tensorrt import Engines, TensorRTBackend, import_tensorrt, write_engines
from ..core.errors import BackendError, MediaError, ModelError
from ..models.checkpoint import read_header
from ..styles import ENGINES, find_style
from .onnx import OPSETS, deployed, trace
from .parity import Parity, compare, pictures

Precision = Literal["fp16", "bf16", "fp32"]
Size = tuple[int, int]


def export_tensorrt(
    style: str,
    folder: Path,
    sizes: list[Size],
    *,
    precision: Precision = "fp16",
    batch: int = 4,
    overwrite: bool = False,
) -> list[Parity]:
    """Build engines for frames of these (width, height) and compare each with PyTorch.

    Args:
        style: a built-in name, a style file or a run folder.
        folder: appears once all engines agree.
        sizes: of the frames.
        precision: of the convolutions.
        batch: frames a call; smaller batches are filled up.
        overwrite: replace what is there, if it is a folder of engines.

    Raises:
        ModelError: there is no such style, its file is damaged, TensorRT cannot build it, or it disagrees.
        MediaError: `folder` exists already or cannot be written.
        BackendError: there is no GPU or no TensorRT, or no such precision.
    """
    if precision not in get_args(Precision):
        raise BackendError(f"Engines are built in {', '.join(get_args(Precision))}, not in {precision!r}.")
    path = find_style(style)
    card = read_header(path).card
    _check_folder(folder, overwrite)
    tensorrt = import_tensorrt()
    if not torch.cuda.is_available():
        raise BackendError(
            "Engines of TensorRT are built on the GPU that will run them, and PyTorch finds none."
        )
    files = {size: "{}x{}.engine".format(*size) for size in dict.fromkeys(sizes)}
    gpu = torch.cuda.get_device_name()
    engines = Engines(card.name, card.licence, precision, batch, gpu, tensorrt.__version__, files)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as work:
        made = Path(work) / "engines"
        made.mkdir()
        for size, file in files.items():
            graph = Path(work) / "graph.onnx"
            write_graph(path, graph, size, precision, batch)
            (made / file).write_bytes(_build(tensorrt, graph))
        write_engines(made, engines)
        reference = deployed(path)
        with TensorRTBackend(made / ENGINES, "cuda", "auto") as draw:
            found = [
                compare(reference, draw, pictures(size, batch), precision=precision, name=folder / file)
                for size, file in files.items()
            ]
        if folder.exists():
            folder.replace(Path(work) / "earlier")
        made.replace(folder)
    return found


def write_graph(style: Path, out: Path, size: Size, precision: str, batch: int) -> None:
    """The ONNX file that an engine is built from: one size, one batch, its precision built in."""
    trace(deployed(style, precision), out, OPSETS[0], size, batch)


def _build(tensorrt: Any, graph: Path) -> bytes:
    """The engine of a graph."""
    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse(graph.read_bytes()):
        raise ModelError(f"TensorRT cannot read the network: {parser.get_error(0)}.")
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    if plan is None:
        raise ModelError("TensorRT could not build an engine; its messages above say why.")
    return bytes(plan)


def _check_folder(folder: Path, overwrite: bool) -> None:
    if not folder.parent.is_dir():
        raise MediaError(f"Cannot write {folder}: there is no folder {folder.parent}.")
    if folder.exists() and not overwrite:
        raise MediaError(f"{folder} exists already; pass --overwrite (-y) to replace it.")
    if folder.exists() and not (folder / ENGINES).is_file():
        raise MediaError(f"{folder} is no folder of engines, and is left as it is.")
