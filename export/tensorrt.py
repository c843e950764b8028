"""Builds TensorRT engines of a style, for the GPU of this machine, one for each size of frames.

The graph is exported in its precision (norms in float32) and built as a strongly typed network, in which
TensorRT chooses none. The folder is kept only if every engine draws what PyTorch draws.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from ..backends.pytorch.hardware import device_name
from ..backends.tensorrt import (
    Engine,
    Engines,
    Size,
    TensorRTBackend,
    engine_name,
    import_tensorrt,
    nvidia_gpu,
    write_engines,
)
from ..core.atomic_folder import atomic_folder
from ..core.choices import EnginePrecision
from ..core.errors import BackendError, ModelError
from ..styles import ENGINES
from ..styles.card import read_header
from .checks import ENGINES_FOLDER, check_folder_export
from .onnx import OPSETS, export_graph, load_deployed
from .parity import Parity, compare, pictures


def export_tensorrt(
    style: str,
    folder: Path,
    sizes: Sequence[Size],
    *,
    precision: EnginePrecision = "fp16",
    batch: int = 4,
    overwrite: bool = False,
) -> list[Parity]:
    """Build engines for frames of these sizes, and compare each with PyTorch.

    Args:
        style: a built-in name, a style file or a run folder.
        folder: the folder to write; it appears only if all engines agree (see parity.py).
        sizes: width and height of the frames.
        precision: of the convolutions.
        batch: frames per call; smaller batches are filled up.
        overwrite: replace an existing folder of engines.

    Raises:
        ModelError: there is no such style, its file is damaged, TensorRT cannot build it, or it disagrees.
        MediaError: `folder` exists already or cannot be written.
        BackendError: there is no GPU or no TensorRT, or no such precision.
    """
    if precision not in get_args(EnginePrecision):
        raise BackendError(
            f"Engines are built in {', '.join(get_args(EnginePrecision))}, not in {precision!r}."
        )
    path = check_folder_export(style, folder, ENGINES_FOLDER, overwrite=overwrite)
    card = read_header(path).card
    tensorrt = import_tensorrt()
    gpu = nvidia_gpu()
    files = {size: engine_name(size) for size in dict.fromkeys(sizes)}
    engines = Engines(
        style=card.name,
        licence=card.licence,
        precision=precision,
        batch=batch,
        gpu=device_name(gpu),
        tensorrt=tensorrt.__version__,
        engines=[Engine(*size, file) for size, file in files.items()],
    )
    with atomic_folder(folder, ENGINES_FOLDER, overwrite=overwrite) as built:
        graph = built / "graph.onnx"
        for size, file in files.items():
            write_graph(path, graph, size, precision, batch)
            (built / file).write_bytes(_build(tensorrt, graph))
        graph.unlink()
        write_engines(built, engines)
        reference = load_deployed(path)
        with TensorRTBackend(built / ENGINES, "auto", "auto") as backend:
            parities = [
                compare(reference, backend, pictures(size, batch), precision=precision, name=folder / file)
                for size, file in files.items()
            ]
    return parities


def write_graph(style: Path, out: Path, size: Size, precision: str, batch: int) -> None:
    """Write the ONNX file that an engine is built from: for one size and batch, in its precision."""
    export_graph(load_deployed(style, precision), out, OPSETS[0], size, batch)


def _build(tensorrt: Any, graph: Path) -> bytes:
    """Build the engine of a graph."""
    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse(graph.read_bytes()):
        raise ModelError(f"TensorRT cannot read the network: {parser.get_error(0)}.")
    config = builder.create_builder_config()
    config.clear_flag(tensorrt.BuilderFlag.TF32)  # the default, which rounds float32 to 10 bits
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError("TensorRT could not build an engine; its messages above say why.")
    return bytes(plan)
