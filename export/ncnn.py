"""Writes a style as files of ncnn, .param and .bin, which are kept only if they draw what PyTorch draws."""

from pathlib import Path
from typing import get_args

from ..backends.ncnn.backend import NcnnBackend
from ..backends.ncnn.convert import convert_style
from ..backends.ncnn.files import SUFFIX, weights_path, write_network
from ..backends.ncnn.graph import NcnnNetwork
from ..core.choices import NcnnPrecision
from ..core.errors import BackendError
from .checks import check_file_export
from .onnx import load_deployed
from .parity import Parity, compare, pictures


def export_ncnn(
    style: str, out: Path, *, precision: NcnnPrecision = "fp32", overwrite: bool = False
) -> Parity:
    """Write `out` and the .bin file beside it, and compare the network on the CPU with PyTorch.

    Args:
        style: a built-in name, a style file or a run folder.
        out: the .param file to write; both files appear only if they agree (see parity.py).
        precision: of the stored weights. What ncnn computes in is decided where the files are loaded.
        overwrite: replace existing files.

    Raises:
        ModelError: there is no such style, its file is damaged, or the exported network disagrees.
        MediaError: a file exists already or cannot be written.
        BackendError: ncnn is not installed, it has no counterpart of a layer, there is no such precision, or
            `out` has another suffix.
    """
    if precision not in get_args(NcnnPrecision):
        raise BackendError(f"Weights for ncnn are stored in fp32 or fp16, not in {precision!r}.")
    path = check_file_export(style, out, SUFFIX, overwrite=overwrite, beside=[weights_path(out)])
    network: NcnnNetwork = convert_style(path, half=precision == "fp16")
    with NcnnBackend(network, "cpu", "auto") as backend:
        parity = compare(load_deployed(path), backend, pictures(None, None), precision=precision, name=out)
    write_network(out, network, overwrite=overwrite)
    return parity
